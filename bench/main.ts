/**
 * What it costs to tell many what happened, beside what else there is for it.
 *
 * A process per server, pinned to one core where that can be done, and one for the client on another. CPU is
 * that of the server's process, user and system.
 *
 *     npm run bench                          all parts, all peers: about 40 minutes
 *     npm run bench -- --quick               the essential, in less than five
 *     npm run bench -- fanout --peers raw,lariat --streams 100,1000 --rounds 3 --seconds 2 --searches 0
 *     npm run bench -- stalled --stalled 30
 *     npm run bench -- gather --rounds 3
 *     npm run bench -- operating --rounds 5  metrics that are scraped and an inspector that is open, beside none
 *
 *     npm run bench -- processes             several processes on one Redis: about six minutes
 *     npm run bench -- processes --peers lariat,SUBSCRIBE --processes 1,4 --rounds 1 --seconds 2
 *
 *     npm run bench -- client                reading 100,000 events, beside other clients: about a minute
 *     npm run bench -- client --peers lariat,eventsource-client --rounds 3 --events 50000
 *
 * A run of everything keeps its results in `bench/results/` and draws `docs/images/fanout.svg`; another does with
 * `--write`.
 */
// each has options of its own
if (process.argv.includes('client')) await (await import('./reading/reading.js')).reading()
else if (process.argv.includes('processes')) await (await import('./processes/processes.js')).processes()
else await (await import('./fanout/fanout.js')).fanOut()
process.exit()
