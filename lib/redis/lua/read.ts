// The script that reads a page, in Lua: it decides what is found, trimmed and unknown.
import { afterlife, opening } from './opening.js'

/**
 * Reads the events after a place. ARGV: 5 `after`, `earliest`, `last`, `since` or `now`; 6 to 8 the epoch, ms and number
 * of `after`, or the amount of the others as 6; 9 `1` for all that is there, and not only what is retained; 10 the last
 * number to read, or none; 11 and 12 how many events and about how many bytes at most; 13 `1` for one that listens.
 *
 * Answers the time, the epoch, the outcome, the latest number and its ms, `1` if it has ended, the number where the reading
 * begins and the ms of the place before, the limits, `gone`, and the entries.
 */
export const read = `${opening}
begin()
-- who only listens may be the only one that has limits
local isAnew = not limits and ARGV[2] ~= ''
if isAnew then
  limits = ARGV[2]
  redis.call('HSET', meta, 'limits', limits)
end
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
local outcome, start, startMs = 'found', edge, nil
local left, room = tonumber(ARGV[11]), tonumber(ARGV[12])
local to = ARGV[10] ~= '' and ARGV[10] or '+'
local function from(at, most) return redis.call('XRANGE', log, text(at), to, 'COUNT', most) end
-- how many in one go: no more than likely fit
local function atOnce(room)
  return math.min(left, math.max(1, math.min(32, math.floor(room * length / math.max(bytes - swept, 1)))))
end
local mode, some, page = ARGV[5], atOnce(room), nil
if mode == 'after' then
  local givenMs, given = tonumber(ARGV[7]), tonumber(ARGV[8])
  if ARGV[6] ~= epoch or given > number then outcome = 'unknown'
  else
    local there
    if given >= oldest() and given < number then
      -- the entry itself with what follows it, in one go
      page = from(given, some + 1)
      if page[1] and tonumber(string.match(page[1][1], '^%d+')) == given then there = msOf(table.remove(page, 1)) end
    else there = msAt(given) end
    if there and there ~= givenMs then outcome = 'unknown'
    elseif given < edge - 1 then outcome = 'trimmed'
    else start, startMs = given + 1, givenMs end
  end
  -- what follows a gap is what a client that comes back finds
  if outcome ~= 'found' then start, page = first, nil end
elseif mode == 'last' then start = math.max(edge, number - tonumber(ARGV[6]) + 1)
elseif mode == 'since' then
  local since = tonumber(ARGV[6])
  start = search(edge, function(each) return msOf(each) >= since end)
elseif mode == 'now' then start = number + 1 end
local listens = ARGV[13] == '1'
if listens then
  used = now
  use()
end
if listens or isAnew then
  -- that it has ended stays for as long as its events would
  if number > 0 or ended then expire(isAnew) else redis.call('PEXPIRE', meta, ${afterlife}) end
end

local entries, next = {}, start
while left > 0 and next <= number do
  page = page or from(next, some)
  for _, each in ipairs(page) do entries[#entries + 1] = each end
  if #page < some then break end
  next = tonumber(string.match(page[#page][1], '^%d+')) + 1
  left = left - some
  local rest = room - (bytesBefore(page[#page]) - bytesBefore(entries[1]))
  if rest <= 0 then break end
  some, page = atOnce(rest), nil
end
return { now, epoch, outcome, text(number), text(ms), ended or '', text(start), text(startMs or msAt(start - 1) or 0),
  limits or '', gone or '', entries }
`
