// The script that ends a log or drops it, in Lua.
import { memory, opening } from './opening.js'

/**
 * Ends a log, or drops it. ARGV: 5 `end` or `drop`, 6 the epoch of the new life. What is left of one that was dropped
 * is what those that listen need to hear of it. Answers the time.
 */
export const finish = `${opening}
begin()
if ARGV[5] == 'end' then
  adopt()
  if not ended then
    redis.call('HSET', meta, 'ended', '1')
    expire(true)
    nudge('!')
  end
elseif epoch ~= ARGV[6] then
  local last = epoch .. ' ' .. text(ms) .. ' ' .. text(number) .. ' ' .. text(now)
  redis.call('DEL', meta, log)
  redis.call('HSET', meta, 'epoch', ARGV[6], 'number', 0, 'ms', 0, 'bytes', 0, 'first', 1, 'gone', last)
  redis.call('PEXPIRE', meta, ${memory})
  number = 0
  nudge('!')
end
return { now }
`
