// Lists every REST callback: its question, its default and the answers that it may give. The documentation's reference
// page is generated from this table.
import { isDate as isAnyDate } from 'node:util/types'
import { isFormat } from '../formats/format.js'
import { type Fields, isFields, isFieldValue, isToken, streamHeaders } from '../http/field.js'
import { isBoolean, isObject, isPlainObject } from '../rules.js'
import { type Body, isBody } from '../values/body.js'
import type { Acceptors, Provided } from './answers.js'
import { isCallback } from './remedies.js'

interface Described<T> {
  /** The question that the callback answers. */
  readonly question: string
  /** The effect of an answer other than the default. */
  readonly otherwise: string
  /** The answer when the callback is absent. */
  readonly fallback: T
  /** The permitted answers, as an error message says them. */
  readonly expected: string
  readonly fits: (value: unknown) => boolean
}

const isTokens = (value: unknown) => Array.isArray(value) && value.every(isToken)
/** Also one of another realm: under Jest, the dates of Node's `fs` are. */
const isDate = (value: unknown) => isAnyDate(value) && !Number.isNaN(value.getTime())
const isRetryAfter = (value: unknown) =>
  isDate(value) || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
const isUri = (value: unknown) => (typeof value === 'string' && value !== '') || value instanceof URL
const isChallenge = (value: unknown) => isFieldValue(value) && value !== ''
const isEtag = (value: unknown) =>
  typeof value === 'string' && /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(value)
const codings = ['br', 'gzip', 'deflate', 'identity']

const flag = (question: string, otherwise: string, fallback: boolean): Described<boolean> => ({
  question,
  otherwise,
  fallback,
  expected: 'true or false',
  fits: isBoolean,
})

const moved = (how: string, status: number): Described<false | string | URL> => ({
  question: `Has the missing resource moved ${how}?`,
  otherwise: `${status} with Location`,
  fallback: false,
  expected: 'false or a URI (a string or a URL)',
  fits: (value) => value === false || isUri(value),
})

/** Every REST callback, in the order in which the graph asks them. */
export const callbacks = {
  serviceAvailable: {
    question: 'Is the service available?',
    otherwise: '503; seconds or a Date: with Retry-After',
    fallback: true as boolean | number | Date,
    expected: 'true, false, seconds (0 or more) or a Date',
    fits: (value) => isBoolean(value) || isRetryAfter(value),
  },
  knownMethods: {
    question: 'Which methods does the server know?',
    otherwise: '501',
    fallback: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'] as readonly string[],
    expected: 'a list of method names',
    fits: isTokens,
  },
  uriTooLong: flag('Is the URI too long?', '414', false),
  allowedMethods: {
    question: 'Which methods does the resource allow?',
    otherwise: '405 with Allow',
    fallback: ['GET', 'HEAD', 'OPTIONS'] as readonly string[],
    expected: 'a list of method names',
    fits: isTokens,
  },
  malformedRequest: flag('Is the request malformed?', '400', false),
  isAuthorized: {
    question: 'Is the client authorized?',
    otherwise: '401 with WWW-Authenticate, a field per challenge',
    fallback: true as true | string | readonly string[],
    expected: 'true or a WWW-Authenticate challenge (a string, or a list of them)',
    fits: (value) =>
      value === true ||
      isChallenge(value) ||
      (Array.isArray(value) && value.length > 0 && value.every(isChallenge)),
  },
  forbidden: flag('Is the request forbidden?', '403', false),
  rateLimited: {
    question: 'Has the client sent too many requests?',
    otherwise: '429 with Retry-After',
    fallback: false as false | number | Date,
    expected: 'false, seconds (0 or more) or a Date',
    fits: (value) => value === false || isRetryAfter(value),
  },
  validContentHeaders: flag('Does the resource support the Content-* headers of the request?', '501', true),
  validEntityLength: flag('Is the request body of an acceptable length?', '413', true),
  options: {
    question: 'Which headers does the answer to OPTIONS have, beside Allow and Accept-Query?',
    otherwise: '200 with Allow, Accept-Query if QUERY is allowed, and these headers',
    fallback: {} as Fields,
    expected: 'an object of header names and values',
    fits: isFields,
  },
  contentTypesProvided: {
    question: 'Which media types does the resource provide, and how?',
    otherwise: '406',
    fallback: undefined as Provided<unknown> | undefined,
    expected: 'a list of formats, or an object of media types and their providers (formats or functions)',
    fits: (value) =>
      Array.isArray(value)
        ? value.every(isFormat)
        : isPlainObject(value) && Object.values(value).every((each) => isFormat(each) || isCallback(each)),
  },
  languagesProvided: {
    question: 'Which languages does the resource provide?',
    otherwise: '406',
    fallback: undefined as readonly string[] | undefined,
    expected: 'a list of language tags',
    fits: isTokens,
  },
  charsetsProvided: {
    question: 'Which charsets does the resource provide?',
    otherwise: '406',
    fallback: undefined as readonly string[] | undefined,
    expected: 'a list of charset names',
    fits: isTokens,
  },
  encodingsProvided: {
    question: 'Which codings may a body be sent in?',
    otherwise: 'identity, or 406 if the client forbids that too',
    fallback: undefined as readonly string[] | undefined,
    expected: "a list of 'br', 'gzip', 'deflate' and 'identity'",
    fits: (value) => Array.isArray(value) && value.every((each) => codings.includes(each)),
  },
  variances: {
    question: 'On which other request headers does the representation depend?',
    otherwise: 'they are added to Vary',
    fallback: [] as readonly string[],
    expected: 'a list of header names',
    fits: isTokens,
  },
  rangesProvided: {
    question: 'Can a client ask for a part of the body?',
    otherwise: "'auto': Accept-Ranges: bytes, and 206 or 416; 'none': Accept-Ranges: none",
    fallback: undefined as 'auto' | 'none' | undefined,
    expected: "'auto' or 'none'",
    fits: (value) => value === 'auto' || value === 'none',
  },
  resourceExists: flag('Does the resource exist?', '404, 410, 301, 307, or it is created', true),
  generateEtag: {
    question: "What is the representation's entity tag?",
    otherwise: 'ETag, and 304 or 412 by it',
    fallback: undefined as string | undefined,
    expected: 'an entity tag with its quotes, such as \'"abc"\' or \'W/"abc"\', or undefined',
    fits: (value) => value === undefined || isEtag(value),
  },
  lastModified: {
    question: 'When was the representation last changed?',
    otherwise: 'Last-Modified, and 304 or 412 by it',
    fallback: undefined as Date | undefined,
    expected: 'a valid Date or undefined',
    fits: (value) => value === undefined || isDate(value),
  },
  expires: {
    question: 'When does the representation become stale?',
    otherwise: 'Expires',
    fallback: undefined as Date | string | undefined,
    expected: 'a valid Date, a header value or undefined',
    fits: (value) => value === undefined || isFieldValue(value) || isDate(value),
  },
  previouslyExisted: flag('Did the missing resource exist before?', '410, 301 or 307 in place of 404', false),
  movedPermanently: moved('permanently', 301),
  movedTemporarily: moved('temporarily', 307),
  allowMissingPost: flag('Is POST to a missing resource allowed?', '404 or 410', true),
  deleteResource: {
    question: 'Was the resource deleted, or its deletion begun?',
    otherwise: 'true or { body }: 204, 200 or 202; false: 500',
    fallback: false as boolean | { body: Body },
    expected: 'true, false or { body }',
    fits: (value) => isBoolean(value) || (isObject(value) && isBody(value.body)),
  },
  deleteCompleted: flag('Is the deletion complete?', '202', true),
  isConflict: flag('Does the PUT conflict with the current state?', '409', false),
  contentTypesAccepted: {
    question: 'Which media types does the resource accept, and how?',
    otherwise: '415',
    fallback: undefined as Acceptors<unknown> | undefined,
    expected: 'an object of media types, or ranges of them, and functions',
    fits: (value) => isPlainObject(value) && Object.values(value).every(isCallback),
  },
  headers: {
    question: 'Which headers does a held response have?',
    otherwise: 'they are in the head of the stream',
    fallback: {} as Fields,
    expected: streamHeaders.expected,
    fits: streamHeaders.fits,
  },
  multipleChoices: flag('Are there several representations to choose from?', '300', false),
} satisfies Record<string, Described<unknown>>

export type CallbackName = keyof typeof callbacks

/** The answers that a callback may give. */
export type Value<Name extends CallbackName> = (typeof callbacks)[Name]['fallback']
