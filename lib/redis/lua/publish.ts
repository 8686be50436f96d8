// The script that appends events, in Lua: each once, however often it is called.
import { memory, opening } from './opening.js'

/** How many keys are remembered. */
const maxKeys = 1000

/**
 * Appends events. ARGV: 5 the publisher, 6 the number of its call, 7 when it is too late, in the store's time, 8 `1` if a
 * write is needed even where nothing is appended, 9 the store's time when this was asked first, if it is asked again, 10 `1`
 * for a log that has ended, whatever the store has by now; then for each event kind, text, type, key, bytes.
 *
 * A publisher is remembered with its latest call, the number of the first event that this has appended and its ms, until
 * when it may be asked again, and the answers, each on a line, unless each event was appended.
 *
 * Answers the time, `ok`, the epoch, the limits before where they were others, what else was refused, and for each event
 * `number-ms`, `ended`, or `failed` and why; or the time and `late`: it will never be appended; or the time and `stale`: a
 * later call has come before this one.
 */
export const publish = `${opening}
local publisher, call = 'publisher:' .. ARGV[5], tonumber(ARGV[6])
local function recall(key)
  local found = redis.call('HGET', meta, 'key:' .. key)
  if not found then return nil end
  local at, ms, count, since = string.match(found, '^(%d+) (%d+) (%d+) (%d+)$')
  if now - since < ${memory} then return tonumber(at), tonumber(ms), tonumber(count) end
end

local isOver, events = ARGV[10] == '1', 11
local last = not isNew and redis.call('HGET', meta, publisher)
local answer = { now, 'ok', epoch, '', '' }
if last then
  local lastCall, at, lastMs, answers = string.match(last, '^(%d+) (%d+) (%d+) %d+(.*)$')
  if tonumber(lastCall) > call then return { now, 'stale' } end
  if tonumber(lastCall) == call then
    -- the answer was lost: the same once more
    if ARGV[8] == '1' then redis.call('HSET', meta, 'asked', call) end
    for each in string.gmatch(answers, '[^\\n]+') do answer[#answer + 1] = each end
    if answers == '' then
      for number = tonumber(at), at + (#ARGV - events + 1) / 5 - 1 do answer[#answer + 1] = text(number) .. '-' .. lastMs end
    end
    return answer
  end
end
if now > tonumber(ARGV[7]) then return { now, 'late' } end
-- it may have been in the log that was dropped meanwhile
if ARGV[9] ~= '' and gone and tonumber(string.match(gone, '%d+$')) >= tonumber(ARGV[9]) then return { now, 'late' } end

begin()
answer[3], answer[4] = epoch, not isOver and adopt() or ''
local at, appended = 0, 0
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

-- before anything is appended: who may not do all of it has appended nothing
if not last then
  -- publishers that are gone are forgotten, one for each that comes
  local counts = redis.call('HMGET', meta, 'publisherCount', 'publisherTail')
  local own, tail = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
  redis.call('HSET', meta, 'published:' .. text(own), ARGV[5])
  local count = own + 1
  for _ = 1, 2 do
    local field = 'published:' .. text(tail)
    local old = tail < own and redis.call('HGET', meta, field)
    if not old then break end
    local found = redis.call('HGET', meta, 'publisher:' .. old)
    redis.call('HDEL', meta, field)
    if found and now < tonumber(string.match(found, '^%d+ %d+ %d+ (%d+)')) then
      redis.call('HSET', meta, 'published:' .. text(count), old)
      count = count + 1
    else redis.call('HDEL', meta, 'publisher:' .. old) end
    tail = tail + 1
  end
  redis.call('HSET', meta, 'publisherCount', text(count), 'publisherTail', text(tail))
end
for arg = events, #ARGV, 5 do
  local key = ARGV[arg + 3]
  local keyed, keyedMs
  if key ~= '' then keyed, keyedMs = recall(key) end
  if keyed then answer[#answer + 1] = text(keyed) .. '-' .. text(keyedMs)
  elseif ended or isOver then answer[#answer + 1] = 'ended'
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
      number, ms, length, appended = number + 1, nextMs, length + 1, appended + 1
      bytes = bytes + tonumber(ARGV[arg + 4])
      if at == 0 then at = number end
      if key ~= '' then remember(key) end
      answer[#answer + 1] = text(number) .. '-' .. text(ms)
    end
  end
end

-- what is refused from here on is told, and no reason to refuse what is there
local function try(what)
  local isDone, problem = pcall(what)
  if not isDone then answer[5] = type(problem) == 'table' and problem.err or tostring(problem) end
end
if at > 0 then
  used = now
  try(retain)
end
local untilThen = text(math.max(now + ${memory}, tonumber(ARGV[7])))
local latest = text(call) .. ' ' .. text(at) .. ' ' .. text(ms) .. ' ' .. untilThen
if appended * 5 < #ARGV - events + 1 then latest = latest .. '\\n' .. table.concat(answer, '\\n', 6) end
local fields = { meta, publisher, latest }
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
  if hasExpired then
    set('removed', text(removed))
    set('removedMs', text(removedMs))
    set('swept', text(swept))
  end
end
if keyCount then
  set('keyCount', text(keyCount))
  set('keyTail', text(keyTail))
end
redis.call('HSET', unpack(fields))
if at > 0 then
  try(sweep)
  try(function() expire(wasEmpty or hasAdopted or gone) end)
  local problem = nudge()
  if problem then answer[5] = problem end
end
return answer
`
