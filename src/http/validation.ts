/**
 * How requests are checked and answers written.
 *
 * 1. Bodies are strict: nothing is coerced, dropped or filled in, since Fastify's defaults rewrite what a client sent.
 * 2. Path and query are text, so numbers in them are read as numbers.
 * 3. Header schemas only document: headers have a grammar of their own, which `request-headers.ts` reads.
 * 4. What many routes ask for alike, as an id in the path or no query, is compiled once.
 * 5. Schemas are not held against the schema of schemas: that takes a tenth of a start, and linting the OpenAPI document does it once.
 * 6. Answers are written as they are. A serializer made from a schema would drop or coerce what a server replied.
 */
import { AjvCompiler } from '@fastify/ajv-compiler'
import type { FastifyServerOptions } from 'fastify'

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>
type CompilersFactory = NonNullable<SchemaController['compilersFactory']>

/** What Fastify gives and takes here; the published types leave `httpPart` out. */
type Compile = (route: {
  readonly schema?: unknown
  readonly httpPart?: string
}) => ((value: unknown) => boolean) | undefined
type BuildValidator = (schemas: unknown, options: { readonly customOptions?: object }) => Compile

const strictness = { removeAdditional: false, useDefaults: false, allErrors: true, validateSchema: false } // 5

/** For Fastify's `schemaController` option. */
export function schemaController(): SchemaController {
  const build = AjvCompiler() as unknown as BuildValidator
  const buildValidator: BuildValidator = (schemas, options) => {
    const make = (rules: object) =>
      build(schemas, { ...options, customOptions: { ...options.customOptions, ...strictness, ...rules } })
    const strict = onceForEach(make({ coerceTypes: false })) // 4
    // With `strictNumbers` the bounds of a number would not be held against what is read as `Infinity`.
    const lenient = onceForEach(make({ coerceTypes: 'array', strictNumbers: false })) // 2
    return (route) => {
      if (route.httpPart === 'headers') return undefined
      return (route.httpPart === 'body' ? strict : lenient)(route)
    }
  }
  return {
    compilersFactory: {
      buildValidator: buildValidator as unknown as NonNullable<CompilersFactory['buildValidator']>,
      buildSerializer: () => () => JSON.stringify, // 6
    },
  }
}

function onceForEach(compile: Compile): Compile {
  const compiled = new Map<string, ReturnType<Compile>>()
  return (route) => {
    const text = JSON.stringify(route.schema)
    if (!compiled.has(text)) compiled.set(text, compile(route))
    return compiled.get(text)
  }
}
