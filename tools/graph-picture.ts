// Draws the decision graph: the table of lib/graph/graph.ts as docs/images/graph.svg.
import { STATUS_CODES } from 'node:http'
import { type CallbackName, callbacks } from '../lib/declare/callbacks.js'
import { type Exit, first, graph, holding, type Question } from '../lib/graph/graph.js'
import { drawPath, group, marker, type Point, rect, style, text } from './svg.js'

type Answer = 'yes' | 'no'
type Side = 'left' | 'right' | 'top' | 'bottom'

/** A question's box, by its centre, and the side on which the statuses that it ends in stand. */
interface Place {
  readonly x: number
  readonly y: number
  readonly ends: 'left' | 'right'
}

/** How an edge that is not straight leaves its box, the lanes that it turns into, and how it arrives. */
interface Route {
  readonly from: Side
  /** How far from the middle of its side it leaves. */
  readonly shift?: number
  /** By turns the y and the x (from top or bottom), or the x and the y (from left or right). */
  readonly lanes?: readonly number[]
  readonly to: Side
}

interface Panel {
  readonly title: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const box = { width: 150, height: 30 }
const pill = { width: 42, height: 20 }
const lead = 35
const page = { width: 1216, height: 1366 }

const panels = {
  access: { title: 'Access', x: 24, y: 72, width: 258, height: 796 },
  negotiation: { title: 'Negotiation', x: 318, y: 72, width: 258, height: 414 },
  missing: { title: 'The resource is missing', x: 612, y: 72, width: 580, height: 414 },
  preconditions: { title: 'Preconditions', x: 318, y: 516, width: 486, height: 352 },
  methods: { title: 'Methods', x: 24, y: 912, width: 1168, height: 430 },
} satisfies Record<string, Panel>

/** Boxes below each other, their statuses on one side. */
function column(x: number, y: number, pitch: number, names: readonly Question[], ends: Place['ends']) {
  return Object.fromEntries(names.map((name, row) => [name, { x, y: y + row * pitch, ends }]))
}

const [accessX, spineX] = [117, 411]
const [missingX, absentX] = [789, 989]
const [deleteX, acceptX, acceptingX, readX] = [191, 470, 728, 1008]
const [missingY, missingPitch] = [138, 62]
const [methodsY, methodsPitch] = [966, 54]

/** Where each question stands. One that has no place is an error of the generator. */
const places: Readonly<Record<string, Place>> = {
  ...column(
    accessX,
    154,
    67.4,
    [
      'serviceAvailable',
      'knownMethod',
      'uriTooLong',
      'methodAllowed',
      'malformedRequest',
      'isAuthorized',
      'forbidden',
      'rateLimited',
      'validContentHeaders',
      'validEntityLength',
      'isOptions',
    ],
    'right',
  ),
  ...column(
    spineX,
    138,
    52,
    [
      'acceptableMediaType',
      'acceptableLanguage',
      'acceptableCharset',
      'acceptableEncoding',
      'variances',
      'rangesProvided',
      'resourceExists',
    ],
    'right',
  ),
  ...column(
    spineX,
    568,
    52,
    ['ifMatchParses', 'ifMatch', 'ifUnmodifiedSince', 'ifNoneMatchParses', 'ifNoneMatch', 'ifModifiedSince'],
    'right',
  ),
  isRevalidation: { x: 640, y: 568 + 4 * 52, ends: 'right' },

  ...column(
    missingX,
    missingY,
    missingPitch,
    ['isPut', 'movedPermanently', 'isPutToMissing', 'movedTemporarily', 'isGone'],
    'left',
  ),
  previouslyExisted: { x: absentX, y: missingY, ends: 'right' },
  ...column(
    absentX,
    missingY + 3 * missingPitch,
    missingPitch,
    ['isPost', 'allowMissingPost', 'ifMatchAbsent'],
    'right',
  ),

  ...column(deleteX, methodsY, methodsPitch, ['isDelete', 'deleteResource', 'deleteCompleted'], 'left'),
  ...column(
    acceptX,
    methodsY,
    methodsPitch,
    ['isReplacement', 'isConflict', 'contentTypeAccepted', 'accept', 'isElsewhere', 'isCreated'],
    'left',
  ),
  hasBody: { x: acceptX, y: methodsY + 6 * methodsPitch, ends: 'right' },
  isAccepting: { x: acceptingX, y: methodsY, ends: 'right' },
  isUntypedQuery: { x: acceptingX, y: methodsY + 2 * methodsPitch, ends: 'right' },
  isQuery: { x: acceptingX, y: methodsY + 6 * methodsPitch, ends: 'right' },
  ...column(
    readX,
    methodsY,
    methodsPitch,
    ['isReading', 'provide', 'multipleChoices', 'isPartial', 'isSatisfiable'],
    'right',
  ),
}

/** The edges that are not straight. */
const routes: Readonly<Record<string, Route>> = {
  'isOptions no': { from: 'bottom', lanes: [882, 300, 106], to: 'top' },
  'resourceExists no': { from: 'right', lanes: [594, 106], to: 'top' },
  'ifModifiedSince yes': { from: 'bottom', lanes: [896], to: 'top' },
  'ifMatchAbsent yes': { from: 'bottom', lanes: [501, 822, 896], to: 'top' },

  'previouslyExisted yes': { from: 'bottom', shift: -50, to: 'right' },
  'isPutToMissing yes': { from: 'left', lanes: [627], to: 'left' },
  'isPost no': { from: 'bottom', shift: -50, lanes: [missingY + 3.5 * missingPitch], to: 'top' },

  'deleteCompleted yes': { from: 'bottom', to: 'left' },
  'hasBody no': { from: 'bottom', lanes: [methodsY + 6 * methodsPitch + 34], to: 'bottom' },
  'isQuery yes': { from: 'top', lanes: [methodsY + 3.5 * methodsPitch, readX - 118], to: 'left' },
  'isReading no': {
    from: 'bottom',
    shift: -50,
    lanes: [methodsY + 0.5 * methodsPitch, readX - 105],
    to: 'left',
  },
}

/** What is asked where no callback of that name is. */
const asks: Readonly<Record<Exclude<Question, CallbackName>, string>> = {
  knownMethod: 'Is the method in knownMethods?',
  methodAllowed: 'Is the method in allowedMethods?',
  isOptions: 'Is the method OPTIONS?',
  acceptableMediaType: 'Is a type of contentTypesProvided acceptable?',
  acceptableLanguage: 'Is one of languagesProvided acceptable?',
  acceptableCharset: 'Is one of charsetsProvided acceptable?',
  acceptableEncoding: 'Is one of encodingsProvided, or the body as it is, acceptable?',
  ifMatchParses: 'Is If-Match absent or well-formed?',
  ifMatch: 'Does If-Match hold?',
  ifUnmodifiedSince: 'Does If-Unmodified-Since hold?',
  ifNoneMatchParses: 'Is If-None-Match absent or well-formed?',
  ifNoneMatch: 'Does If-None-Match hold?',
  isRevalidation: 'Is the method GET, HEAD or QUERY?',
  ifModifiedSince: 'Does If-Modified-Since hold?',
  ifMatchAbsent: 'Is If-Match absent?',
  isPut: 'Is the method PUT?',
  isPutToMissing: 'Is the method PUT?',
  isPost: 'Is the method POST?',
  isGone: 'Did it exist before?',
  isDelete: 'Is the method DELETE?',
  isReplacement: 'Is the method PUT?',
  isAccepting: 'Is the method POST, PATCH or QUERY?',
  isUntypedQuery: 'Is it a QUERY without a Content-Type?',
  contentTypeAccepted: 'Is the Content-Type in contentTypesAccepted?',
  accept: 'Did the accept callback take it?',
  isElsewhere: 'Is the answer elsewhere?',
  isCreated: 'Was something created?',
  hasBody: 'Is there a body to answer with?',
  isQuery: 'Is the method QUERY?',
  isReading: 'Is the method GET or HEAD?',
  provide: 'What does the provider answer?',
  isPartial: 'Is a part of the body asked for?',
  isSatisfiable: 'Is there such a part?',
}

/** The decision graph as an SVG picture: made of the table alone, the same for the same table. */
export function picture(): string {
  const questions = Object.keys(graph) as Question[]
  const parts = [
    ...Object.values(panels).map(drawPanel),
    drawLegend(),
    drawStart(),
    ...questions.flatMap((question) => drawEdges(question)),
    ...questions.map(drawQuestion),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${page.width} ${page.height}" \
width="${page.width}" height="${page.height}" role="img" aria-labelledby="title description">
<title id="title">The decision graph of a resource</title>
<desc id="description">${description(questions)}</desc>
<style>${style}</style>
<defs>${['yes', 'no', 'either', 'loop'].map(marker).join('')}</defs>
<rect class="page" width="${page.width}" height="${page.height}"/>
<text class="heading" x="24" y="36">The decisions of a resource, in order</text>
<text class="note" x="24" y="56">Generated from lib/graph/graph.ts</text>
${parts.join('\n')}
</svg>
`
}

function description(questions: readonly Question[]): string {
  const sentences = questions.map((question) => {
    const [yes, no] = graph[question]
    const format = holding.includes(question) ? '; a format: the loop' : ''
    return `${question}: yes ${yes}, no ${no}${format}.`
  })
  return `Each question and where its answers lead, from ${first} on. ${sentences.join(' ')}`
}

// ---- questions and where they end

function drawQuestion(question: Question): string {
  const { x, y } = placeOf(question)
  return group(`q-${question}`, 'question', wordingOf(question), [
    rect(x - box.width / 2, y - box.height / 2, box.width, box.height, 6),
    text(x, y + 4, question),
  ])
}

function wordingOf(question: Question): string {
  return question in callbacks
    ? callbacks[question as CallbackName].question
    : asks[question as keyof typeof asks]
}

function drawEdges(question: Question): string[] {
  const [yes, no] = graph[question]
  if (yes === no) {
    const edge = drawPath(pathOf(question, 'yes', yes as Question), 'either')
    return [
      `<g id="e-${question}-yes"${leadsTo(yes)}><g id="e-${question}-no" class="edge either"${leadsTo(no)}>${edge}${label(question, 'either')}</g></g>`,
      ...drawEnds(question, []),
    ]
  }
  const exits: [Answer, Exit][] = [
    ['yes', yes],
    ['no', no],
  ]
  const edges = exits
    .filter(([, exit]) => typeof exit !== 'number')
    .map(
      ([answer, exit]) =>
        `<g id="e-${question}-${answer}" class="edge ${answer}"${leadsTo(exit)}>` +
        `${drawPath(pathOf(question, answer, exit as Question), answer)}${label(question, answer)}</g>`,
    )
  return [...edges, ...drawEnds(question, exits)]
}

/** Where an edge leads, for whoever draws a path through the graph. */
function leadsTo(exit: Exit | 'loop'): string {
  return ` data-to="${exit}"`
}

/** The statuses that a question ends in, beside it: one level with it, two above each other. */
function drawEnds(question: Question, exits: readonly [Answer, Exit][]): string[] {
  const statuses = exits.filter(([, exit]) => typeof exit === 'number') as [Answer, number][]
  const { x, y, ends } = placeOf(question)
  const isHolding = holding.includes(question)
  const isShared = isHolding && ends === 'right' && statuses.length > 0
  const drawn = statuses.map(([answer, status], index) => {
    const dy = statuses.length + Number(isShared) === 1 ? 0 : index === 0 ? -12 : 12
    const kind = `s${Math.floor(status / 100)}`
    const title = `${status} ${STATUS_CODES[status]}`
    return (
      `<g id="e-${question}-${answer}" class="edge ${answer}"${leadsTo(status)}>${lineToEnd(x, y + dy, ends, answer, answer)}</g>\n` +
      drawEnd(`s-${status}-${question}`, kind, title, String(status), x, y + dy, ends)
    )
  })
  if (!isHolding) return drawn
  const dy = isShared ? 12 : 0
  return [
    ...drawn,
    `<g id="e-${question}-loop" class="edge loop"${leadsTo('loop')}>${lineToEnd(x, y + dy, 'right', 'loop', 'format')}</g>`,
    drawEnd(
      `loop-${question}`,
      'held',
      'A format: the response is held open',
      'loop',
      x,
      y + dy,
      'right',
      14,
    ),
  ]
}

function lineToEnd(x: number, y: number, side: Place['ends'], kind: string, words: string): string {
  const sign = side === 'right' ? 1 : -1
  const from = x + (sign * box.width) / 2
  const length = kind === 'loop' ? lead + 14 : lead
  const to = from + sign * (length - 2)
  return (
    `<path d="M${from},${y}H${to}" marker-end="url(#head-${kind})"/>` +
    text(from + sign * (length / 2 - (kind === 'loop' ? 3 : 6)), y - 3, words)
  )
}

function drawEnd(
  id: string,
  kind: string,
  title: string,
  words: string,
  x: number,
  y: number,
  side: Place['ends'],
  further = 0,
): string {
  const sign = side === 'right' ? 1 : -1
  const middle = x + sign * (box.width / 2 + lead + further + pill.width / 2)
  return group(id, `end ${kind}`, title, [
    rect(middle - pill.width / 2, y - pill.height / 2, pill.width, pill.height, 10),
    text(middle, y + 4, words),
  ])
}

// ---- edges

/** The corners of an edge between two questions. */
function pathOf(question: Question, answer: Answer, target: Question): readonly Point[] {
  const from = placeOf(question)
  const to = placeOf(target)
  const route = routes[`${question} ${answer}`] ?? straight(question, answer, target)
  const points: Point[] = [sidePoint(from, route.from, route.shift)]
  let isVertical = route.from === 'top' || route.from === 'bottom'
  for (const lane of route.lanes ?? []) {
    const [x, y] = points.at(-1) as Point
    points.push(isVertical ? [x, lane] : [lane, y])
    isVertical = !isVertical
  }
  const end = sidePoint(to, route.to)
  const [x, y] = points.at(-1) as Point
  const isAligned = isVertical ? x === end[0] : y === end[1]
  if (!isAligned) points.push(isVertical ? [x, end[1]] : [end[0], y])
  return [...points, end]
}

function straight(question: Question, answer: Answer, target: Question): Route {
  const from = placeOf(question)
  const to = placeOf(target)
  if (from.x === to.x && from.y < to.y) {
    const between = Object.values(places).some(({ x, y }) => x === from.x && y > from.y && y < to.y)
    if (!between) return { from: 'bottom', to: 'top' }
  }
  if (from.y === to.y) {
    return from.x < to.x ? { from: 'right', to: 'left' } : { from: 'left', to: 'right' }
  }
  throw new Error(
    `tools/graph-picture.ts: no way from ${question} (${answer}) to ${target}: add it to routes`,
  )
}

function placeOf(question: Question): Place {
  const place = places[question]
  if (!place) throw new Error(`tools/graph-picture.ts: ${question} has no place: add it to places`)
  return place
}

function sidePoint({ x, y }: Place, side: Side, shift = 0): Point {
  switch (side) {
    case 'left':
      return [x - box.width / 2, y + shift]
    case 'right':
      return [x + box.width / 2, y + shift]
    case 'top':
      return [x + shift, y - box.height / 2]
    case 'bottom':
      return [x + shift, y + box.height / 2]
  }
}

/** The answer, beside the beginning of its edge. */
function label(question: Question, answer: Answer | 'either'): string {
  const [yes, no] = graph[question]
  const side = answer === 'no' ? 'no' : 'yes'
  const target = (side === 'no' ? no : yes) as Question
  const [[x, y]] = pathOf(question, side, target) as [Point]
  const from = (routes[`${question} ${side}`] ?? straight(question, side, target)).from
  const words = answer === 'either' ? 'yes or no' : answer
  if (from === 'left') return text(x - 14, y - 4, words)
  if (from === 'right') return text(x + 14, y - 4, words)
  if (from === 'top') return text(x + 5, y - 5, words, 'start')
  return text(x + 5, y + 12, words, 'start')
}

// ---- the frame

function drawPanel({ title, x, y, width, height }: Panel): string {
  return (
    `<g class="panel">${rect(x, y, width, height, 10)}` +
    `${text(x + width - 14, y + 22, title, 'end', 'section')}</g>`
  )
}

function drawStart(): string {
  const { y } = placeOf(first)
  const top = panels.access.y + 24
  const kind = 'either'
  return group('start', 'end start', 'A request begins here', [
    `<path class="lead" d="M${accessX},${top + 10}V${y - box.height / 2 - 2}" marker-end="url(#head-${kind})"/>`,
    rect(accessX - 36, top - 10, 72, 20, 10),
    text(accessX, top + 4, 'request'),
  ])
}

function drawLegend(): string {
  const [x, y] = [858, 552]
  const rows = [
    ['yes', 'yes', 'the question is answered yes'],
    ['no', 'no', 'the question is answered no'],
    ['either', 'yes or no', 'both answers lead on'],
  ] as const
  const lines = rows.map(([kind, words, meaning], row) => {
    const at = y + row * 32
    return (
      `<g class="edge ${kind}"><path d="M${x},${at}H${x + 58}" marker-end="url(#head-${kind})"/>` +
      `${text(x + 26, at - 4, words)}</g>${text(x + 76, at + 4, meaning, 'start')}`
    )
  })
  const ends = [
    ['s2', '2xx', 'done'],
    ['s3', '3xx', 'elsewhere, or not changed'],
    ['s4', '4xx', 'the request is refused'],
    ['s5', '5xx', 'the server cannot'],
    ['held', 'loop', 'a format: held open, streamed'],
  ] as const
  const pills = ends.map(([kind, words, meaning], row) => {
    const at = y + 96 + row * 30
    return (
      `<g class="end ${kind}">${rect(x + 8, at - 10, pill.width, pill.height, 10)}` +
      `${text(x + 8 + pill.width / 2, at + 4, words)}</g>${text(x + 76, at + 4, meaning, 'start')}`
    )
  })
  const notes = [
    'stop() from any callback ends the request there.',
    'An absent callback counts as its default.',
  ]
  const words = notes.map((note, row) => text(x, y + 258 + row * 20, note, 'start', 'note'))
  return `<g id="legend">${[...lines, ...pills, ...words].join('\n')}</g>`
}
