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
 *
 *     npm run bench -- processes             several processes on one Redis: about six minutes
 *     npm run bench -- processes --peers lariat,SUBSCRIBE --processes 1,4 --rounds 1 --seconds 2
 *
 * A run of everything keeps its results in `bench/results/` and draws `docs/images/fanout.svg`; another does with
 * `--write`.
 */
const isOfProcesses = process.argv.includes('processes')
// each has options of its own
if (isOfProcesses) await (await import('./processes/processes.js')).processes()
else await (await import('./fanout/fanout.js')).fanOut()
process.exit()
