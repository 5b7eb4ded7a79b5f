"""The steps of the shared allowance store, each one atomic because the server runs it as one script.

Times are microseconds of the server's clock, so that replicas whose clocks differ share one; rates follow the generic
cell rate algorithm as in `gateway.allowance_store`. Amounts stay below 2^53, where Lua's numbers are exact.

Keys, behind the prefix: `use:KEY:DAY` holds per resource what is spent, lost and leased; `lease:HOLDER` what each
holder has; `lost:HOLDER` what was taken from one that seemed dead; `rate:KEY:RESOURCE` when a bucket is full again;
`holder` all holders; `worker` when each was last seen; `last:HOLDER` what it did last; `born` when this store began.
"""

from __future__ import annotations

_HEAD = """
local p, me, expected = ARGV[1], ARGV[2], ARGV[3]
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
if ARGV[4] ~= '' then now = tonumber(ARGV[4]) end
local MINUTE, KEPT, DAYS = 60000000, 172800, 3024000
local function s(x) return string.format('%.0f', x) end
local function n(x) return tonumber(x or '0') or 0 end
local function use(key, day) return p .. 'use:' .. key .. ':' .. day end
local function add(key, day, name, amount)
  if amount == 0 then return end
  local where = use(key, day)
  redis.call('HINCRBY', where, name, s(amount))
  redis.call('EXPIRE', where, day == '' and KEPT or DAYS)
  if day ~= '' then
    redis.call('SADD', p .. 'day:' .. day, key)
    redis.call('EXPIRE', p .. 'day:' .. day, DAYS)
  end
end
local function hold(holder, key, day, what, amount)
  local where, field = p .. 'lease:' .. holder, key .. '|' .. day .. '|' .. what
  local had = n(redis.call('HGET', where, field))
  local has = math.max(0, had + amount)
  if has == 0 then redis.call('HDEL', where, field) else redis.call('HSET', where, field, s(has)) end
  redis.call('EXPIRE', where, KEPT)
  redis.call('SADD', p .. 'holder', holder)
  add(key, day, 'leased:' .. what, has - had)
  return had + amount
end
local function find(key, day, what, amount)
  if amount <= 0 or day == '' then return end
  local where, field = p .. 'lost:' .. me, key .. '|' .. day .. '|' .. what
  local back = math.min(amount, n(redis.call('HGET', where, field)))
  if back > 0 then
    redis.call('HINCRBY', where, field, s(-back))
    add(key, day, 'lost:' .. what, -back)
  end
end
local function rated(what) return what == 'requests_per_minute' or what == 'tokens_per_minute' end
local function set_full(key, what, full)
  redis.call('SET', p .. 'rate:' .. key .. ':' .. what, s(full), 'PX', 180000)
end
local function full_at(key, what)
  local full = n(redis.call('GET', p .. 'rate:' .. key .. ':' .. what))
  if full > now + MINUTE then
    full = now + MINUTE
    set_full(key, what, full)
  end
  return full
end
local born = redis.call('GET', p .. 'born')
if not born then
  born = s(t[1] * 1000000 + t[2])
  redis.call('SET', p .. 'born', born)
end
if expected ~= '' and expected ~= born then return {-2, born} end
redis.call('ZADD', p .. 'worker', s(math.floor((t[1] * 1000000 + t[2]) / 1000)), me)
"""

LEASE = (
    _HEAD
    + """
local key, day = ARGV[5], ARGV[6]
local shares = {}
for at = 7, #ARGV, 4 do
  shares[#shares + 1] = {what = ARGV[at], limit = n(ARGV[at + 1]), least = n(ARGV[at + 2]), wish = n(ARGV[at + 3])}
end
local function free(share)
  local what, limit = share.what, share.limit
  if rated(what) then
    if limit <= 0 then return 0, 0 end
    local full = full_at(key, what)
    local due = full - MINUTE + math.ceil(share.least * MINUTE / limit)
    return math.floor((MINUTE - math.max(0, full - now)) * limit / MINUTE), math.max(0, due - now)
  end
  local where = use(key, what == 'concurrent' and '' or day)
  local got = redis.call('HMGET', where, 'spent:' .. what, 'lost:' .. what, 'leased:' .. what)
  return limit - n(got[1]) - n(got[2]) - n(got[3]), -1
end
local answer, left = {-1, born, 0}, {}
for place, share in ipairs(shares) do
  local there, wait = free(share)
  if there < share.least then
    answer = {place - 1, born, wait}
    for _, each in ipairs(shares) do answer[#answer + 1] = 0 end
    for _, each in ipairs(shares) do answer[#answer + 1] = math.max(0, (free(each))) end
    return answer
  end
  answer[#answer + 1] = math.min(share.wish, there)
  left[#left + 1] = there - answer[#answer]
end
for place, share in ipairs(shares) do
  local amount, what = answer[place + 3], share.what
  if rated(what) then
    set_full(key, what, math.max(now, full_at(key, what)) + math.ceil(amount * MINUTE / share.limit))
  else
    hold(me, key, what == 'concurrent' and '' or day, what, amount)
  end
  answer[#answer + 1] = left[place]
end
return answer
"""
)
"""ARGV behind the head's: key, day, then per share resource, limit, least, wish. Answers the place of the share that is
short (-1 none), born, its wait (microseconds, -1 until midnight), what was granted, what is left. -2 and born when this
store is not the one that was expected: it has forgotten everything."""

SETTLE = (
    _HEAD
    + """
redis.call('HSET', p .. 'last:' .. me, 'settled', ARGV[5])
redis.call('EXPIRE', p .. 'last:' .. me, KEPT)
for at = 6, #ARGV, 6 do
  local key, day, what = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local limit, spent, unused = n(ARGV[at + 3]), n(ARGV[at + 4]), n(ARGV[at + 5])
  if rated(what) then
    if limit > 0 then
      local back, full = math.floor(unused * MINUTE / limit), full_at(key, what)
      set_full(key, what, (back > 0 and full or math.max(full, now)) - back)
    end
  else
    if what == 'concurrent' then day = '' end
    find(key, day, what, -hold(me, key, day, what, -(spent + unused)))
    add(key, day, 'spent:' .. what, spent)
  end
end
return {-1, born}
"""
)
"""ARGV behind the head's: a name for this step, then per return key, day, resource, limit, spent, unused. What was
taken from this holder while it seemed dead is given back: it lives, and tells itself what became of it."""

ADOPT = (
    _HEAD
    + """
local own, replica, holders, silent_ms = ARGV[5], ARGV[6], n(ARGV[7]), n(ARGV[8])
local now_ms = math.floor((t[1] * 1000000 + t[2]) / 1000)
local adopted = 0
for _, holder in ipairs(redis.call('SMEMBERS', p .. 'holder')) do
  local dead = holder == me and own == '1'
  if holder ~= me then
    local seen = redis.call('ZSCORE', p .. 'worker', holder)
    dead = not seen or n(seen) < now_ms - silent_ms
    if string.sub(holder, 1, #replica + 1) == replica .. ':' and n(string.sub(holder, #replica + 2)) >= holders then
      dead = true
    end
  end
  if dead then
    adopted = adopted + 1
    local leases = redis.call('HGETALL', p .. 'lease:' .. holder)
    for at = 1, #leases, 2 do
      local key, day, what = string.match(leases[at], '^(.*)|(.*)|(.*)$')
      local amount = n(leases[at + 1])
      add(key, day, 'leased:' .. what, -amount)
      if day ~= '' then
        add(key, day, 'lost:' .. what, amount)
        redis.call('HINCRBY', p .. 'lost:' .. holder, leases[at], s(amount))
        redis.call('EXPIRE', p .. 'lost:' .. holder, KEPT)
      end
    end
    redis.call('DEL', p .. 'lease:' .. holder)
    redis.call('SREM', p .. 'holder', holder)
  end
end
return {-1, born, adopted}
"""
)
"""ARGV behind the head's: whether this holder's own leases are a dead predecessor's, name of this replica, number of
its holders, milliseconds after which a holder that was not seen is dead."""

REDECLARE = (
    _HEAD
    + """
local last = p .. 'last:' .. me
local anew = ARGV[5] == '1' and redis.call('HGET', last, 'born') ~= born
redis.call('HSET', last, 'born', born)
redis.call('EXPIRE', last, KEPT)
local has = {}
for at = 6, #ARGV, 5 do
  local key, day, what = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local field = key .. '|' .. day .. '|' .. what
  has[field] = true
  local more = n(ARGV[at + 3]) - n(redis.call('HGET', p .. 'lease:' .. me, field))
  find(key, day, what, more)
  hold(me, key, day, what, more)
  if anew then add(key, day, 'spent:' .. what, n(ARGV[at + 4])) end
end
local leases = redis.call('HGETALL', p .. 'lease:' .. me)
for at = 1, #leases, 2 do
  if not has[leases[at]] then
    local key, day, what = string.match(leases[at], '^(.*)|(.*)|(.*)$')
    hold(me, key, day, what, -n(leases[at + 1]))
  end
end
return {-1, born}
"""
)
"""ARGV behind the head's: whether the store forgot everything, then per account key, day, resource, what this holder
has and what it told as spent. What it has is set, whatever stood there; what it spent is added once for each birth."""

LAST = """
return redis.call('HGET', ARGV[1] .. 'last:' .. ARGV[2], 'settled')
"""
"""ARGV: prefix, holder. Answers the name of the last settlement that was carried out."""

USED = """
local p, day, rows = ARGV[1], ARGV[2], {}
for _, key in ipairs(redis.call('SMEMBERS', p .. 'day:' .. day)) do
  for _, what in ipairs({'usd', 'tokens'}) do
    local where = p .. 'use:' .. key .. ':' .. day
    local got = redis.call('HMGET', where, 'spent:' .. what, 'lost:' .. what, 'leased:' .. what)
    if got[1] or got[2] or got[3] then
      rows[#rows + 1] = {key, what, got[1] or '0', got[2] or '0', got[3] or '0'}
    end
  end
end
return rows
"""
"""ARGV: prefix, day."""
