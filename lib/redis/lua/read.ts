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
local listens = ARGV[13] == '1'
if listens then
  used = now
  use()
end
if listens or isAnew then
  if number > 0 then expire(isAnew) else redis.call('PEXPIRE', meta, ${afterlife}) end
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
