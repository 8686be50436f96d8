// Creates the diagnostics channels of the library. Publishing without a subscriber costs nothing.
import { channel } from 'node:diagnostics_channel'

/** The decisions of every request. */
export const decisions = channel('express-lariat:decisions')
