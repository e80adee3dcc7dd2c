/** The batches of one gateway. They end with it: nobody waits for a client that would send for ever. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Batch, type BatchLine, type BatchTerms } from './batch.js'
import { BatchCall, BatchCast, NDJSON } from './batch-schemas.js'
import { countAnswer } from './every-request.js'
import type { HangUps } from './hang-ups.js'
import { codingProblem } from './json-body.js'
import { LineReader } from './line-reader.js'
import { HttpProblem } from './problem-document.js'
import { jsonReader, type ReadJson } from './read-json.js'
import { mustBeForMany, originOf } from './request-headers.js'

export class Batches {
  readonly #open = new Set<Batch>()
  /** As the bodies of other requests are read. */
  #read: ReadJson = () => {}

  constructor(
    private readonly hangUps: HangUps,
    /** In bytes. */
    private readonly longestLine: number,
  ) {}

  /** For the routes that are added to `api` from now on: bodies are lines, and are read by `answer`. */
  attach(api: FastifyInstance): void {
    this.#read = jsonReader(api)
    api.removeAllContentTypeParsers()
    api.addContentTypeParser(NDJSON, ({ headers }, _payload, done) => done(codingProblem(headers) ?? null))
    api.addContentTypeParser('*', (_request, _payload, done) =>
      done(new HttpProblem('unsupported_media_type', `a batch is sent as ${NDJSON}`)),
    )
    api.addHook('preClose', (done) => {
      for (const batch of this.#open) batch.end()
      done()
    })
  }

  answer(request: FastifyRequest, reply: FastifyReply, host: BatchTerms['host']): void {
    mustBeForMany(request.headers)
    const { raw } = reply
    const { socket } = request.raw
    const batch: Batch = new Batch(request.raw, raw, {
      host,
      origin: originOf(request.id, request.headers),
      lines: new LineReader(this.longestLine),
      read: lineReading(request, this.#read),
      tell: (error) => request.server.judgeError(error, request),
      over: () => {
        this.#open.delete(batch)
        this.hangUps.forget(socket, batch)
      },
    })
    reply.hijack()
    countAnswer(request, raw, 200)
    const named = request.headers['x-request-id'] === undefined ? [] : ['x-request-id', request.id]
    raw.writeHead(200, ['content-type', `${NDJSON}; charset=utf-8`, ...named])
    raw.flushHeaders()
    this.#open.add(batch)
    // Its connection, and not its response, which is never closed where it stands behind another one.
    this.hangUps.watch(socket, batch)
    batch.begin()
  }
}

/** Fastify compiles a schema once and keeps what comes of it. */
function lineReading(request: FastifyRequest, read: ReadJson): BatchTerms['read'] {
  const isCall = request.compileValidationSchema(BatchCall, 'body')
  const isCast = request.compileValidationSchema(BatchCast, 'body')
  return (text) => {
    const line = read(request, text, 'the line')
    const isObject = typeof line === 'object' && line !== null
    if (isObject && 'call' in line && 'cast' in line) {
      throw new HttpProblem('invalid_request', 'the line does not fit: it is a call or a cast, and not both')
    }
    const isOne = isObject && 'cast' in line ? isCast : isCall
    if (isOne(line)) return line as BatchLine
    throw Object.assign(new Error(), { validation: isOne.errors, validationContext: 'line' })
  }
}
