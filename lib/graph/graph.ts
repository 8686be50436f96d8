// Lists every question in order, and where yes and no lead.

/**
 * The decision graph: yes and no lead to another question, or to a status. It is Cowboy's `cowboy_rest`, changed where
 * RFC 9110 requires it. `questions.ts` maps each question to its answer.
 */
const table = {
  // Access: every method
  serviceAvailable: ['knownMethod', 503],
  knownMethod: ['uriTooLong', 501],
  uriTooLong: [414, 'methodAllowed'],
  methodAllowed: ['malformedRequest', 405],
  malformedRequest: [400, 'isAuthorized'],
  isAuthorized: ['forbidden', 401],
  forbidden: [403, 'rateLimited'],
  rateLimited: [429, 'validContentHeaders'],
  validContentHeaders: ['validEntityLength', 501],
  validEntityLength: ['isOptions', 413],
  isOptions: [200, 'acceptableMediaType'],

  // Negotiation
  acceptableMediaType: ['acceptableLanguage', 406],
  acceptableLanguage: ['acceptableCharset', 406],
  acceptableCharset: ['acceptableEncoding', 406],
  acceptableEncoding: ['variances', 406],
  variances: ['rangesProvided', 'rangesProvided'],
  rangesProvided: ['resourceExists', 'resourceExists'],
  resourceExists: ['ifMatchParses', 'isPut'],

  // The resource exists: preconditions (RFC 9110 13.2.2)
  ifMatchParses: ['ifMatch', 400],
  ifMatch: ['ifUnmodifiedSince', 412],
  ifUnmodifiedSince: ['ifNoneMatchParses', 412],
  ifNoneMatchParses: ['ifNoneMatch', 400],
  ifNoneMatch: ['ifModifiedSince', 'isRevalidation'],
  isRevalidation: [304, 412],
  ifModifiedSince: ['isDelete', 304],

  // The resource does not exist
  isPut: ['movedPermanently', 'previouslyExisted'],
  previouslyExisted: ['movedPermanently', 'isPost'],
  movedPermanently: [301, 'isPutToMissing'],
  isPutToMissing: ['ifMatchAbsent', 'movedTemporarily'],
  movedTemporarily: [307, 'isPost'],
  isPost: ['allowMissingPost', 'isGone'],
  allowMissingPost: ['ifMatchAbsent', 'isGone'],
  isGone: [410, 404],
  ifMatchAbsent: ['isReplacement', 412],

  // Methods
  isDelete: ['deleteResource', 'isReplacement'],
  deleteResource: ['deleteCompleted', 500],
  deleteCompleted: ['hasBody', 202],
  isReplacement: ['isConflict', 'isAccepting'],
  isConflict: [409, 'contentTypeAccepted'],
  isAccepting: ['isUntypedQuery', 'isReading'],
  isUntypedQuery: [400, 'contentTypeAccepted'],
  contentTypeAccepted: ['accept', 415],
  accept: ['isElsewhere', 400],
  isElsewhere: [303, 'isCreated'],
  isCreated: [201, 'hasBody'],
  hasBody: [200, 'isQuery'],
  isQuery: ['provide', 204],
  isReading: ['provide', 'multipleChoices'],
  provide: ['multipleChoices', 'multipleChoices'],
  multipleChoices: [300, 'isPartial'],
  isPartial: ['isSatisfiable', 200],
  isSatisfiable: [206, 416],
} as const

/** A decision. */
export type Question = keyof typeof table

/** The target of an answer: the next question, or a status. */
export type Exit = Question | number

/** Where the answers of each question lead. */
export type Table<Name extends string> = Readonly<
  Record<Name, readonly [yes: Name | number, no: Name | number]>
>

export const graph: Table<Question> = table

/** The first question of a resource. */
export const first: Question = 'serviceAvailable'

/** The questions whose answer may be a format: the response is then held open. */
export const holding: readonly Question[] = ['accept', 'provide']
