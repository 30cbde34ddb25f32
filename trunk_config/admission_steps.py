"""The atomic steps of admission: Lua that runs inside the site's Redis.

A call costs the same with 1,000 cities when Redis keeps hashes as tables: `hash-max-listpack-entries`, lab/redis.py.

Keys, the same five in the same order for every step:

1. `tl:lines`        hash  Uniqueid -> `city since`, ` s` behind it for a line of the life-safety allowance
2. `tl:lines:count`  hash  city -> lines in use
3. `tl:quota`        hash  what is in force: `version` `profile` `lines`, by city `r:<city>` (reserve) and `c:<city>`
                           (limit), and what the steps keep up: `total` (lines in use), `short` (the sum of what each
                           city has reserved and does not use), `safety` (lines of the life-safety allowance in use)
4. `tl:messages`     hash  Uniqueid -> city of callers who are hearing a refusal
5. `tl:safety`       set   numbers on the life-safety list, E.164

Without `tl:quota` (Redis restarted, or nobody has installed one yet) lines are counted and nothing is decided.
"""

from typing import Final

from tieline.live import Script

KEYS: Final = ("tl:lines", "tl:lines:count", "tl:quota", "tl:messages", "tl:safety")

_CHANGE: Final = """
local installed = redis.call('HEXISTS', KEYS[3], 'version') == 1

-- A city uses one line more or less: `total` and `short` stay what a recount would give.
local function change(city, by)
  local used = redis.call('HINCRBY', KEYS[2], city, by)
  if not installed then return end
  redis.call('HINCRBY', KEYS[3], 'total', by)
  local reserve = tonumber(redis.call('HGET', KEYS[3], 'r:' .. city) or 0)
  if math.min(used, used - by) < reserve then redis.call('HINCRBY', KEYS[3], 'short', -by) end
end
"""

ADMIT: Final = Script("""
local id, city = ARGV[1], ARGV[2]
local quota = redis.call('HMGET', KEYS[3], 'version', 'lines', 'total', 'short', 'safety', 'r:' .. city, 'c:' .. city)
if not quota[1] then return {-1, 0, 0, 0, 0} end
local version, lines, total = tonumber(quota[1]), tonumber(quota[2]), tonumber(quota[3])
local used = tonumber(redis.call('HGET', KEYS[2], city) or 0)
local reserve, limit = tonumber(quota[6] or 0), tonumber(quota[7] or 0)
local cause = used < math.min(reserve, limit) and 42 or 34
local lease = redis.call('HGET', KEYS[1], id)
if lease then return {string.sub(lease, -2) == ' s' and 2 or 1, used, total, version, 0} end
if redis.call('HEXISTS', KEYS[4], id) == 1 then return {3, used, total, version, cause} end

local own = math.max(0, reserve - used)
local verdict = 0
if used < limit and total + tonumber(quota[4]) - own < lines then
  verdict = 1
elseif total < lines and ARGV[4] ~= '' and tonumber(quota[5]) < tonumber(ARGV[6])
  and redis.call('SISMEMBER', KEYS[5], ARGV[4]) == 1 then
  verdict = 2
end
if verdict == 0 then
  if redis.call('HLEN', KEYS[4]) >= tonumber(ARGV[5]) then return {0, used, total, version, cause} end
  redis.call('HSET', KEYS[4], id, city)
  return {3, used, total, version, cause}
end
redis.call('HSET', KEYS[1], id, city .. ' ' .. ARGV[3] .. (verdict == 2 and ' s' or ''))
redis.call('HINCRBY', KEYS[2], city, 1)
redis.call('HINCRBY', KEYS[3], 'total', 1)
if own > 0 then redis.call('HINCRBY', KEYS[3], 'short', -1) end
if verdict == 2 then redis.call('HINCRBY', KEYS[3], 'safety', 1) end
return {verdict, used + 1, total + 1, version, 0}
""")
"""Arguments: Uniqueid, city, now, the caller's number or nothing, messages at once, life-safety lines at once.

Answers verdict (-1 nothing is in force, 0 silent, 1 admit, 2 safety, 3 message), the city's lines in use, all lines
in use, version, and the cause of a refusal (as `trunk_config.quota.refusal_cause`) or 0. Asked again about a channel
that has a line or hears a message, it answers as before.
"""

RELEASE: Final = Script(
    _CHANGE
    + """
local lines, messages = 0, 0
for i = 1, #ARGV do
  local lease = redis.call('HGET', KEYS[1], ARGV[i])
  if lease then
    redis.call('HDEL', KEYS[1], ARGV[i])
    change(string.match(lease, '^[^ ]+'), -1)
    if installed and string.sub(lease, -2) == ' s' then redis.call('HINCRBY', KEYS[3], 'safety', -1) end
    lines = lines + 1
  end
  messages = messages + redis.call('HDEL', KEYS[4], ARGV[i])
end
return {lines, messages}
"""
)
"""Arguments: Uniqueids. Answers how many lines and how many messages ended."""

ADOPT: Final = Script(
    _CHANGE
    + """
local lines, messages = 0, 0
for i = 1, #ARGV, 4 do
  local id, city, since = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('HEXISTS', KEYS[1], id) == 0 then
    if ARGV[i + 3] == 'message' then
      messages = messages + redis.call('HSETNX', KEYS[4], id, city)
    else
      redis.call('HSET', KEYS[1], id, city .. ' ' .. since)
      redis.call('HDEL', KEYS[4], id)
      change(city, 1)
      lines = lines + 1
    end
  end
end
return {lines, messages}
"""
)
"""Arguments: Uniqueid, city, since, `line` or `message`, for each channel that Asterisk has. No limit is looked at:
they are there. Answers how many lines and how many messages were missing."""

INSTALL: Final = Script("""
local old = redis.call('HGET', KEYS[3], 'version')
if old and tonumber(old) > tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[3])
local used, total, short, safety = {}, 0, 0, 0
local counts = redis.call('HGETALL', KEYS[2])
for i = 1, #counts, 2 do
  used[counts[i]] = tonumber(counts[i + 1])
  total = total + used[counts[i]]
end
for i = 4, #ARGV, 3 do
  local city, reserve = ARGV[i], tonumber(ARGV[i + 1])
  redis.call('HSET', KEYS[3], 'r:' .. city, reserve, 'c:' .. city, ARGV[i + 2])
  short = short + math.max(0, reserve - (used[city] or 0))
end
for _, lease in ipairs(redis.call('HVALS', KEYS[1])) do
  if string.sub(lease, -2) == ' s' then safety = safety + 1 end
end
redis.call('HSET', KEYS[3], 'version', ARGV[1], 'profile', ARGV[2], 'lines', ARGV[3],
  'total', total, 'short', short, 'safety', safety)
return 1
""")
"""Arguments: version, profile, lines, then city, reserve, limit for each city. Answers 1, or 0 when a newer version
is in force. The same version may be installed again: what the trunk groups can carry may have changed."""

REPLACE_SAFETY: Final = Script("""
redis.call('DEL', KEYS[5])
for i = 1, #ARGV do redis.call('SADD', KEYS[5], ARGV[i]) end
""")
"""Arguments: all numbers of the life-safety list."""
