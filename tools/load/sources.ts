/** How many addresses clients come from: each has some 28,000 ports, which a FIN keeps from use for a minute. */
const addresses = 16

/** The address of one client of many; on Linux all of 127.0.0.0/8 is this machine. */
export function sourceOf(number: number): string {
  return `127.0.0.${2 + (number % addresses)}`
}
