// The script that finds out whether a server takes writes, in Lua.

/** Answers the time; on a replica, its refusal. KEYS: one that is not there. */
export const probe = `
local time = redis.call('TIME')
local answer = redis.pcall('PERSIST', KEYS[1])
if type(answer) == 'table' and string.find(answer.err, 'READONLY') then
  return redis.error_reply('READONLY This is a replica: it takes no writes')
end
return { time[1] * 1000 + math.floor(time[2] / 1000) }
`
