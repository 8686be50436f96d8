// What each script on a channel begins with, in Lua: how the log stands, what its limits keep, and how those that listen hear of it.

/** Milliseconds for which keys and publishers are remembered. */
export const memory = 120_000
/** Milliseconds for which a channel that retains nothing any more is known: a client that comes back then has missed nothing. */
export const afterlife = 3_600_000
/** Milliseconds and bytes for which what is not retained any more waits for those that listen. */
const tail = { age: 10_000, bytes: 8_388_608 }

/**
 * What all scripts on one channel begin with. KEYS: meta, log. ARGV: 1 the epoch of a log that has none, 2 the limits of
 * who calls (`history:historyBytes:maxAge:idle`, none is no text), 3 the pub/sub channel, 4 `1` if that is sharded.
 *
 * Meta is a hash: the `epoch`; of the latest event its `number` and `ms`; the `bytes` of all events ever; the number of
 * the `first` that is retained; of the latest entry that was removed `removed` and `removedMs`, and the bytes by then,
 * `swept`, and when it was looked for others, `sweptAt`, and the bytes by then, `sweptBy`; `ended`; `limits`; `used`: when
 * somebody published or listened last; `gone`: the latest id of the log that was dropped here, and when it was. An entry of
 * the log has the id `number-ms`: numbers are dense, so that an entry is found by its number. Its
 * fields: the bytes of all events `before` it, its data (`json` or `base64`), and its `type`.
 */
export const opening = `
local meta, log = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(value) return string.format('%.0f', value) end

local known = redis.call('HMGET', meta, 'epoch', 'number', 'ms', 'bytes', 'first', 'removed', 'removedMs', 'swept',
  'ended', 'limits', 'used', 'gone', 'sweptAt', 'sweptBy')
local length = redis.call('XLEN', log)
local epoch, ended, limits, gone = known[1], known[9], known[10], known[12]
local number, ms, bytes, first = tonumber(known[2]), tonumber(known[3]), tonumber(known[4]), tonumber(known[5])
local removed, removedMs, swept = tonumber(known[6] or 0), tonumber(known[7] or 0), tonumber(known[8] or 0)
local used, sweptAt, sweptBy = tonumber(known[11] or now), tonumber(known[13] or 0), tonumber(known[14] or 0)
local isNew = not epoch or not number or length > number
local wasEmpty = isNew or number == 0
-- the log expires before its meta does: of the latest event of all the time is known
local hasExpired = not isNew and length == 0 and removed < number
if hasExpired then removed, removedMs, swept = number, ms, bytes end
-- what a log without its meta holds is of no known life
local function begin()
  if not isNew then return end
  if length > 0 or known[1] then redis.call('DEL', log, meta) end
  isNew, wasEmpty, hasExpired, epoch, ended, limits, gone = false, true, false, ARGV[1], false, false, false
  number, ms, bytes, first, length, removed, removedMs, swept, used = 0, 0, 0, 1, 0, 0, 0, 0, now
  redis.call('HSET', meta, 'epoch', epoch, 'number', 0, 'ms', 0, 'bytes', 0, 'first', 1)
  redis.call('PEXPIRE', meta, ${afterlife})
end

local function oldest() return number - length + 1 end
local function entry(at) return redis.call('XRANGE', log, text(at), text(at), 'COUNT', 1)[1] end
local function msOf(each) return tonumber(string.match(each[1], '%d+$')) end
local function bytesBefore(each) return tonumber(each[2][2]) end
-- the time of a number; nothing where that is not known
local function msAt(at)
  if at == number then return ms end
  if at == 0 then return 0 end
  if at >= oldest() then
    local each = entry(at)
    return each and msOf(each)
  end
  if at == removed then return removedMs end
end

-- the first entry from a number on that fits, where all behind it do; the next number if there is none
local function search(low, fits)
  local function holds(at)
    local each = entry(at)
    return each and fits(each)
  end
  if low > number or holds(low) then return low end
  local high, step = number + 1, 1
  while low + step < high and not holds(low + step) do
    low = low + step
    step = step * 2
  end
  high = math.min(high, low + step)
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    if holds(middle) then high = middle else low = middle end
  end
  return high
end

local history, historyBytes, maxAge, idle
local function limit(given)
  local a, b, c, d = string.match(given or '0:::', '^(%d*):(%d*):(%d*):(%d*)$')
  history, historyBytes, maxAge, idle = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
end
-- those of who published last
local hasAdopted = false
local function adopt()
  limit(limits)
  if ARGV[2] == '' or ARGV[2] == limits then return false end
  limit(ARGV[2])
  local before = limits
  limits, hasAdopted = ARGV[2], true
  redis.call('HSET', meta, 'limits', limits)
  return before
end
local function retain()
  local before = first
  first = math.max(first, oldest())
  if idle and now - used >= idle then first = number + 1 end
  if history then first = math.max(first, number - history + 1) end
  if historyBytes or maxAge then
    first = search(first, function(each)
      return (not historyBytes or bytes - bytesBefore(each) <= historyBytes) and (not maxAge or msOf(each) >= now - maxAge)
    end)
  end
  return first ~= before
end
-- what is not retained is removed once it has waited for those that listen: many at a time
local function sweep()
  if first - oldest() < 64 and bytes - swept < 1048576 then return end
  -- it searches: once a second, unless much has come since
  if now >= sweptAt and now - sweptAt < 1000 and bytes - sweptBy < 1048576 then return end
  redis.call('HSET', meta, 'sweptAt', text(now), 'sweptBy', text(bytes))
  local function before(at)
    local each = at <= number and entry(at)
    return each and bytesBefore(each) or bytes
  end
  local upTo = search(oldest(), function(each) return msOf(each) > now - ${tail.age} end)
  local retained = before(first)
  if retained - swept > ${tail.bytes} then
    upTo = math.max(upTo, search(oldest(), function(each) return retained - bytesBefore(each) <= ${tail.bytes} end))
  end
  upTo = math.min(upTo, first)
  if upTo <= oldest() then return end
  removed, removedMs, swept = upTo - 1, msAt(upTo - 1) or 0, before(upTo)
  redis.call('XTRIM', log, 'MAXLEN', number - removed)
  redis.call('HSET', meta, 'removed', text(removed), 'removedMs', text(removedMs), 'swept', text(swept))
  length = number - removed
end

-- a log that retains for good stays; any other goes with what it retains
local function expire(isAnew)
  local keep
  if idle then keep = math.max(idle, ${tail.age})
  elseif history == 0 then keep = ${tail.age}
  elseif maxAge then keep = maxAge + ${tail.age} end
  if keep then
    redis.call('PEXPIRE', log, text(keep))
    redis.call('PEXPIRE', meta, text(keep + ${afterlife}))
  elseif isAnew then
    redis.call('PERSIST', log)
    redis.call('PERSIST', meta)
  end
end
local function use()
  if idle then redis.call('HSET', meta, 'used', text(now)) end
end

-- the number of the latest event, with a mark if there is more to it; what Redis refuses of that
local function nudge(mark)
  local message, answer = text(number) .. (mark or '')
  if ARGV[4] == '1' then answer = redis.pcall('SPUBLISH', ARGV[3], message) end
  if type(answer) ~= 'number' then answer = redis.pcall('PUBLISH', ARGV[3], message) end
  return type(answer) == 'table' and answer.err
end
`
