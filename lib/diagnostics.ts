// The diagnostics channels of the library: publishing to one without subscribers costs nothing.
import { channel } from 'node:diagnostics_channel'

/** The decisions of every request. */
export const decisions = channel('express-lariat:decisions')
