// Every REST callback: what it asks, its default, and what it may answer.
import { isFormat } from '../formats/format.js'
import { isFieldValue, isHeaders, isToken } from '../http/field.js'
import { isBoolean, isObject } from '../rules.js'
import { type Body, isBody } from '../values/body.js'
import type { Acceptors, Provided } from './answers.js'

// ---- what the callbacks may answer: the reference page of the documentation is checked against this

interface Asked<T> {
  /** The question that the callback answers. */
  readonly asks: string
  /** What an answer other than the default does. */
  readonly otherwise: string
  /** The answer of a callback that is absent. */
  readonly fallback: T
  /** What may be answered, in the words of an error. */
  readonly expected: string
  readonly fits: (value: unknown) => boolean
}

const isTokens = (value: unknown) => Array.isArray(value) && value.every(isToken)
const isDate = (value: unknown) => value instanceof Date && !Number.isNaN(value.getTime())
const isDelay = (value: unknown) =>
  isDate(value) || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
const isUri = (value: unknown) => (typeof value === 'string' && value !== '') || value instanceof URL
const isChallenge = (value: unknown) => isFieldValue(value) && value !== ''
const isEtag = (value: unknown) =>
  typeof value === 'string' && /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(value)
const codings = ['br', 'gzip', 'deflate', 'identity']

const bool = (asks: string, otherwise: string, fallback: boolean): Asked<boolean> => ({
  asks,
  otherwise,
  fallback,
  expected: 'true or false',
  fits: isBoolean,
})

/** Every REST callback, in the order in which they are asked. */
export const callbacks = {
  serviceAvailable: {
    asks: 'Is the service available?',
    otherwise: '503; seconds or a Date: with Retry-After',
    fallback: true as boolean | number | Date,
    expected: 'true, false, seconds (0 or more) or a Date',
    fits: (value) => isBoolean(value) || isDelay(value),
  },
  knownMethods: {
    asks: 'Which methods does the server know?',
    otherwise: '501',
    fallback: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as readonly string[],
    expected: 'a list of method names',
    fits: isTokens,
  },
  uriTooLong: bool('Is the URI too long?', '414', false),
  allowedMethods: {
    asks: 'Which methods does the resource allow?',
    otherwise: '405 with Allow',
    fallback: ['GET', 'HEAD', 'OPTIONS'] as readonly string[],
    expected: 'a list of method names',
    fits: isTokens,
  },
  malformedRequest: bool('Is the request malformed?', '400', false),
  isAuthorized: {
    asks: 'May the client in?',
    otherwise: '401 with WWW-Authenticate, a field per challenge',
    fallback: true as true | string | readonly string[],
    expected: 'true or a WWW-Authenticate challenge (a string, or a list of them)',
    fits: (value) =>
      value === true ||
      isChallenge(value) ||
      (Array.isArray(value) && value.length > 0 && value.every(isChallenge)),
  },
  forbidden: bool('Is the request forbidden?', '403', false),
  rateLimited: {
    asks: 'Has the client asked too often?',
    otherwise: '429 with Retry-After',
    fallback: false as false | number | Date,
    expected: 'false, seconds (0 or more) or a Date',
    fits: (value) => value === false || isDelay(value),
  },
  validContentHeaders: bool('Are the Content-* headers ones that the resource can deal with?', '501', true),
  validEntityLength: bool('Is the request body of an acceptable length?', '413', true),
  options: {
    asks: 'Which headers does the answer to OPTIONS have beside Allow?',
    otherwise: '200 with Allow and these headers',
    fallback: {} as Record<string, string>,
    expected: 'an object of header names and values',
    fits: isHeaders,
  },
  contentTypesProvided: {
    asks: 'Which representations are there, and who provides them?',
    otherwise: '406',
    fallback: undefined as Provided<unknown> | undefined,
    expected: 'a list of formats, or an object of media types and their providers (formats or functions)',
    fits: (value) =>
      Array.isArray(value)
        ? value.every(isFormat)
        : isObject(value) &&
          Object.values(value).every((each) => isFormat(each) || typeof each === 'function'),
  },
  languagesProvided: {
    asks: 'Which languages are there?',
    otherwise: '406',
    fallback: undefined as readonly string[] | undefined,
    expected: 'a list of language tags',
    fits: isTokens,
  },
  charsetsProvided: {
    asks: 'Which charsets are there?',
    otherwise: '406',
    fallback: undefined as readonly string[] | undefined,
    expected: 'a list of charset names',
    fits: isTokens,
  },
  encodingsProvided: {
    asks: 'Which codings may a body be sent in?',
    otherwise: 'identity, or 406 if the client forbids that too',
    fallback: undefined as readonly string[] | undefined,
    expected: "a list of 'br', 'gzip', 'deflate' and 'identity'",
    fits: (value) => Array.isArray(value) && value.every((each) => codings.includes(each)),
  },
  variances: {
    asks: 'On what else does the choice of representation depend?',
    otherwise: 'named in Vary',
    fallback: [] as readonly string[],
    expected: 'a list of header names',
    fits: isTokens,
  },
  rangesProvided: {
    asks: 'Can a part of the body be asked for?',
    otherwise: "'auto': Accept-Ranges: bytes, and 206 or 416; 'none': Accept-Ranges: none",
    fallback: undefined as 'auto' | 'none' | undefined,
    expected: "'auto' or 'none'",
    fits: (value) => value === 'auto' || value === 'none',
  },
  resourceExists: bool('Does the resource exist?', '404, 410, 301, 307, or it is created', true),
  generateEtag: {
    asks: "What is the representation's entity tag?",
    otherwise: 'ETag, and 304 or 412 by it',
    fallback: undefined as string | undefined,
    expected: 'an entity tag with its quotes, such as \'"abc"\' or \'W/"abc"\', or undefined',
    fits: (value) => value === undefined || isEtag(value),
  },
  lastModified: {
    asks: 'When was the representation last changed?',
    otherwise: 'Last-Modified, and 304 or 412 by it',
    fallback: undefined as Date | undefined,
    expected: 'a valid Date or undefined',
    fits: (value) => value === undefined || isDate(value),
  },
  expires: {
    asks: 'When does the representation become stale?',
    otherwise: 'Expires',
    fallback: undefined as Date | string | undefined,
    expected: 'a valid Date, a header value or undefined',
    fits: (value) => value === undefined || isFieldValue(value) || isDate(value),
  },
  previouslyExisted: bool('Did the missing resource exist before?', '410, 301 or 307 in place of 404', false),
  movedPermanently: {
    asks: 'Has the missing resource moved for good?',
    otherwise: '301 with Location',
    fallback: false as false | string | URL,
    expected: 'false or a URI (a string or a URL)',
    fits: (value) => value === false || isUri(value),
  },
  movedTemporarily: {
    asks: 'Has the missing resource moved for now?',
    otherwise: '307 with Location',
    fallback: false as false | string | URL,
    expected: 'false or a URI (a string or a URL)',
    fits: (value) => value === false || isUri(value),
  },
  allowMissingPost: bool('May POST go to what is missing?', '404 or 410', true),
  deleteResource: {
    asks: 'Was the resource deleted, or its deletion begun?',
    otherwise: 'true or { body }: 204, 200 or 202; false: 500',
    fallback: false as boolean | { body: Body },
    expected: 'true, false or { body }',
    fits: (value) => isBoolean(value) || (isObject(value) && isBody(value.body)),
  },
  deleteCompleted: bool('Is the deletion done?', '202', true),
  isConflict: bool('Does the PUT conflict with what is there?', '409', false),
  contentTypesAccepted: {
    asks: 'Which media types are accepted, and who takes them?',
    otherwise: '415',
    fallback: undefined as Acceptors<unknown> | undefined,
    expected: 'an object of media types, or ranges of them, and functions',
    fits: (value) => isObject(value) && Object.values(value).every((each) => typeof each === 'function'),
  },
  multipleChoices: bool('Are there several representations to choose from?', '300', false),
} satisfies Record<string, Asked<unknown>>

export type CallbackName = keyof typeof callbacks

/** What a callback may answer. */
export type Value<Name extends CallbackName> = (typeof callbacks)[Name]['fallback']
