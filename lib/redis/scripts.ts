// The scripts that Redis runs: each is one step for all processes. Only commands of Redis 5.
import { createHash } from 'node:crypto'

/** A script, and the name by which Redis knows it once it has run. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
}

/** Milliseconds for which keys and publishers are remembered. */
const memory = 120_000
/** How many keys are remembered. */
const maxKeys = 1000
/** Milliseconds for which a channel that retains nothing any more is known: a client that comes back then has missed nothing. */
const afterlife = 3_600_000
/** Milliseconds, events and bytes for which what is not retained any more waits for those that listen. */
const tail = { age: 10_000, count: 20_000, bytes: 8_388_608 }

/**
 * What all scripts on one channel begin with. KEYS: meta, log. ARGV: 1 the epoch of a log that has none, 2 the limits of
 * who calls (`history:historyBytes:maxAge:idle`, none is no text), 3 the pub/sub channel, 4 `1` if that is sharded.
 *
 * Meta is a hash: the `epoch`; of the latest event its `number` and `ms`; the `bytes` of all events ever; the number of
 * the `first` that is retained; of the latest entry that was removed `removed` and `removedMs`, and the bytes by then,
 * `swept`; `ended`; `limits`; `used`: when somebody published or listened last; `gone`: the latest id of the log that was
 * dropped here. An entry of the log has the id `number-ms`: numbers are dense, so that an entry is found by its number. Its
 * fields: the bytes of all events `before` it, its data (`json` or `base64`), and its `type`.
 */
const opening = `
local meta, log = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(value) return string.format('%.0f', value) end

local known = redis.call('HMGET', meta, 'epoch', 'number', 'ms', 'bytes', 'first', 'removed', 'removedMs', 'swept',
  'ended', 'limits', 'used', 'gone')
local length = redis.call('XLEN', log)
local epoch, ended, limits, gone = known[1], known[9], known[10], known[12]
local number, ms, bytes, first = tonumber(known[2]), tonumber(known[3]), tonumber(known[4]), tonumber(known[5])
local removed, removedMs, swept = tonumber(known[6] or 0), tonumber(known[7] or 0), tonumber(known[8] or 0)
local used = tonumber(known[11] or now)
local isNew = not epoch or not number or length > number
local wasEmpty = isNew or number == 0
-- what a log without its meta holds is of no known life
local function begin()
  if not isNew then return end
  if length > 0 or known[1] then redis.call('DEL', log, meta) end
  isNew, wasEmpty, epoch, ended, limits, gone = false, true, ARGV[1], false, false, false
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
local function adopt()
  limit(limits)
  if ARGV[2] == '' or ARGV[2] == limits then return false end
  limit(ARGV[2])
  local before = limits
  limits = ARGV[2]
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
  local function before(at)
    local each = at <= number and entry(at)
    return each and bytesBefore(each) or bytes
  end
  local upTo = search(oldest(), function(each) return msOf(each) > now - ${tail.age} end)
  upTo = math.max(upTo, first - ${tail.count})
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

-- the number of the latest event, with a mark if there is more to it
local function nudge(mark)
  local message, answer = text(number) .. (mark or '')
  if ARGV[4] == '1' then answer = redis.pcall('SPUBLISH', ARGV[3], message) end
  if type(answer) ~= 'number' then answer = redis.pcall('PUBLISH', ARGV[3], message) end
  return type(answer) == 'number' and 1 or 0
end
`

/**
 * Appends events. ARGV: 5 the publisher, 6 the number of its call, 7 when it is too late, in the store's time, 8 `1` if a
 * write is needed even where nothing is appended; then for each event kind, text, type, key, bytes.
 *
 * Answers the time, `ok`, the epoch, the limits before where they were others, whether listeners were nudged, and for each
 * event `number-ms`, `ended`, or `failed` and why; or the time and `late`: it will never be appended.
 */
const publish = `${opening}
local publisher, call = 'publisher:' .. ARGV[5], tonumber(ARGV[6])
local function recall(key)
  local found = redis.call('HGET', meta, 'key:' .. key)
  if not found then return nil end
  local at, ms, count, since = string.match(found, '^(%d+) (%d+) (%d+) (%d+)$')
  if now - since < ${memory} then return tonumber(at), tonumber(ms), tonumber(count) end
end

local last = not isNew and redis.call('HGET', meta, publisher)
local answer = { now, 'ok', epoch, '', 1 }
if last then
  local lastCall, at, lastMs = string.match(last, '^(%d+) (%d+) (%d+) ')
  if tonumber(lastCall) > call then return { now, 'late' } end
  if tonumber(lastCall) == call then
    -- the answer was lost: the same once more
    at = tonumber(at)
    if ARGV[8] == '1' then redis.call('HSET', meta, 'asked', call) end
    local next = at
    for arg = 9, #ARGV, 5 do
      local keyed, keyedMs
      if ARGV[arg + 3] ~= '' then keyed, keyedMs = recall(ARGV[arg + 3]) end
      if keyed and not (keyed == next and at > 0) then answer[#answer + 1] = text(keyed) .. '-' .. text(keyedMs)
      elseif at == 0 then answer[#answer + 1] = 'ended'
      else
        answer[#answer + 1] = text(next) .. '-' .. lastMs
        next = next + 1
      end
    end
    return answer
  end
end
if now > tonumber(ARGV[7]) then return { now, 'late' } end

begin()
answer[3], answer[4] = epoch, adopt() or ''
local at = 0
local nextMs = math.max(now, ms)
local keyCount, keyTail
local function remember(key)
  if not keyCount then
    local counts = redis.call('HMGET', meta, 'keyCount', 'keyTail')
    keyCount, keyTail = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
  end
  redis.call('HSET', meta, 'key:' .. key, text(number) .. ' ' .. text(ms) .. ' ' .. text(keyCount) .. ' ' .. text(now),
    'keyed:' .. text(keyCount), key)
  keyCount = keyCount + 1
  for _ = 1, 8 do
    if keyTail >= keyCount - 1 then break end
    local field = 'keyed:' .. text(keyTail)
    local oldKey = redis.call('HGET', meta, field)
    local found = oldKey and redis.call('HGET', meta, 'key:' .. oldKey)
    local count, since
    if found then count, since = string.match(found, '(%d+) (%d+)$') end
    local isOwn = found and tonumber(count) == keyTail
    if isOwn and keyCount - keyTail <= ${maxKeys} and now - since < ${memory} then break end
    redis.call('HDEL', meta, field)
    if isOwn then redis.call('HDEL', meta, 'key:' .. oldKey) end
    keyTail = keyTail + 1
  end
end

local function append(kind, data, sort)
  local given = { log, text(number + 1) .. '-' .. text(nextMs), 'before', text(bytes) }
  if kind ~= '' then
    given[#given + 1] = kind
    given[#given + 1] = data
  end
  if sort ~= '' then
    given[#given + 1] = 'type'
    given[#given + 1] = string.sub(sort, 2)
  end
  return redis.pcall('XADD', unpack(given))
end

for arg = 9, #ARGV, 5 do
  local key = ARGV[arg + 3]
  local keyed, keyedMs
  if key ~= '' then keyed, keyedMs = recall(key) end
  if keyed then answer[#answer + 1] = text(keyed) .. '-' .. text(keyedMs)
  elseif ended then answer[#answer + 1] = 'ended'
  else
    local added = append(ARGV[arg], ARGV[arg + 1], ARGV[arg + 2])
    if at == 0 and type(added) == 'table' and string.find(added.err, 'equal or smaller') then
      -- a stream that is ahead of its meta: of another life
      isNew = true
      begin()
      adopt()
      answer[3], nextMs = epoch, math.max(now, ms)
      added = append(ARGV[arg], ARGV[arg + 1], ARGV[arg + 2])
    end
    if type(added) == 'table' then
      -- what came before it in this call is there
      if at == 0 then return added end
      answer[#answer + 1] = 'failed ' .. added.err
    else
      number, ms, length = number + 1, nextMs, length + 1
      bytes = bytes + tonumber(ARGV[arg + 4])
      if at == 0 then at = number end
      if key ~= '' then remember(key) end
      answer[#answer + 1] = text(number) .. '-' .. text(ms)
    end
  end
end

if not last then
  -- publishers that are gone are forgotten, one for each that comes
  local counts = redis.call('HMGET', meta, 'publisherCount', 'publisherTail')
  local count, tail = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
  redis.call('HSET', meta, 'published:' .. text(count), ARGV[5])
  count = count + 1
  for _ = 1, 2 do
    local field = 'published:' .. text(tail)
    local old = tail < count - 1 and redis.call('HGET', meta, field)
    if not old then break end
    local found = redis.call('HGET', meta, 'publisher:' .. old)
    redis.call('HDEL', meta, field)
    if found and now - string.match(found, '%d+$') < ${memory} then
      redis.call('HSET', meta, 'published:' .. text(count), old)
      count = count + 1
    else redis.call('HDEL', meta, 'publisher:' .. old) end
    tail = tail + 1
  end
  redis.call('HSET', meta, 'publisherCount', text(count), 'publisherTail', text(tail))
end
if at > 0 then
  used = now
  retain()
end
local fields = { meta, publisher, text(call) .. ' ' .. text(at) .. ' ' .. text(ms) .. ' ' .. text(now) }
local function set(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
if at > 0 then
  set('number', text(number))
  set('ms', text(ms))
  set('bytes', text(bytes))
  set('first', text(first))
  if idle then set('used', text(now)) end
end
if keyCount then
  set('keyCount', text(keyCount))
  set('keyTail', text(keyTail))
end
redis.call('HSET', unpack(fields))
if at > 0 then
  sweep()
  expire(wasEmpty or answer[4] ~= '' or gone)
  answer[5] = nudge()
end
return answer
`

/**
 * Reads the events after a place. ARGV: 5 `after`, `earliest`, `last`, `since` or `now`; 6 to 8 the epoch, ms and number
 * of `after`, or the amount of the others as 6; 9 `1` for all that is there, and not only what is retained; 10 the last
 * number to read, or none; 11 and 12 how many events and about how many bytes at most; 13 `1` for one that listens.
 *
 * Answers the time, the epoch, the outcome, the latest number and its ms, `1` if it has ended, the number where the reading
 * begins and the ms of the place before, the limits, `gone`, and the entries.
 */
const read = `${opening}
begin()
limit(limits)
if retain() then redis.call('HSET', meta, 'first', text(first)) end
sweep()
-- somebody else has trimmed the stream: a place before its oldest is needed all the same
if oldest() > 1 and not msAt(oldest() - 1) then
  removed = oldest() - 1
  local each = entry(oldest())
  removedMs = each and msOf(each) or ms
  redis.call('HSET', meta, 'removed', text(removed), 'removedMs', text(removedMs))
end
local edge = ARGV[9] == '1' and oldest() or first
local outcome, start = 'found', edge
local mode = ARGV[5]
if mode == 'after' then
  local givenMs, given = tonumber(ARGV[7]), tonumber(ARGV[8])
  if ARGV[6] ~= epoch or given > number then outcome = 'unknown'
  else
    local there = msAt(given)
    if there and there ~= givenMs then outcome = 'unknown'
    elseif given < edge - 1 then outcome = 'trimmed'
    else start = given + 1 end
  end
  -- what follows a gap is what a client that comes back finds
  if outcome ~= 'found' then start = first end
elseif mode == 'last' then start = math.max(edge, number - tonumber(ARGV[6]) + 1)
elseif mode == 'since' then
  local since = tonumber(ARGV[6])
  start = search(edge, function(each) return msOf(each) >= since end)
elseif mode == 'now' then start = number + 1 end
if ARGV[13] == '1' then
  if ARGV[2] ~= '' and not limits then limit(ARGV[2]) end
  used = now
  use()
  if number > 0 then expire(false) else redis.call('PEXPIRE', meta, ${afterlife}) end
end

local entries, left, room = {}, tonumber(ARGV[11]), tonumber(ARGV[12])
local from, to = start, ARGV[10] ~= '' and ARGV[10] or '+'
while left > 0 and room > 0 and from <= number do
  local some = math.min(left, 32)
  local page = redis.call('XRANGE', log, text(from), to, 'COUNT', some)
  for _, each in ipairs(page) do entries[#entries + 1] = each end
  if #page < some then break end
  from = tonumber(string.match(page[#page][1], '^%d+')) + 1
  room = room - (bytesBefore(page[#page]) - bytesBefore(page[1]))
  left = left - some
end
return { now, epoch, outcome, text(number), text(ms), ended or '', text(start), text(msAt(start - 1) or 0), limits or '',
  gone or '', entries }
`

/**
 * Ends a log, or drops it. ARGV: 5 `end` or `drop`, 6 the epoch of the new life. What is left of one that was dropped
 * is what those that listen need to hear of it. Answers the time.
 */
const finish = `${opening}
begin()
if ARGV[5] == 'end' then
  adopt()
  if not ended then
    redis.call('HSET', meta, 'ended', '1')
    expire(true)
    nudge('!')
  end
elseif epoch ~= ARGV[6] then
  local last = epoch .. ' ' .. text(ms) .. ' ' .. text(number)
  redis.call('DEL', meta, log)
  redis.call('HSET', meta, 'epoch', ARGV[6], 'number', 0, 'ms', 0, 'bytes', 0, 'first', 1, 'gone', last)
  redis.call('PEXPIRE', meta, ${memory})
  number = 0
  nudge('!')
end
return { now }
`

/**
 * Looks at many channels at once, without a change. KEYS: their meta. ARGV: for each how it was last seen, `epoch number
 * ms ended`. Answers the time, and the indexes of those that are different now.
 */
const look = `
local time = redis.call('TIME')
local answer = { time[1] * 1000 + math.floor(time[2] / 1000) }
for at, meta in ipairs(KEYS) do
  local seen = redis.call('HMGET', meta, 'epoch', 'number', 'ms', 'ended')
  local text = (seen[1] or '') .. ' ' .. (seen[2] or '') .. ' ' .. (seen[3] or '') .. ' ' .. (seen[4] or '')
  if text ~= ARGV[at] then answer[#answer + 1] = at end
end
return answer
`

function script(name: string, text: string): Script {
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}

export const scripts = {
  publish: script('publish', publish),
  read: script('read', read),
  finish: script('finish', finish),
  look: script('look', look),
}
