/** What of a definition is data: all that HTTP shows, and what the gateway has to know of its servers. */
import { type AnyDefinition, argsSchema, type DefinitionData } from '../../index.js'

export function definitionData(definition: AnyDefinition): DefinitionData {
  const { args, calls = {}, casts = {}, events = {}, ...rest } = definition
  const { description, version, restart, restartFrom, shutdown, mailbox } = rest
  const { durable, indexes, isolate, handlerLimit } = rest
  // The objects of args are closed here: what tells that a schema is of objects does not travel.
  const closed = <T extends { readonly args?: AnyDefinition['args'] }>(messages: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(messages).map(([name, each]) => [name, { ...each, args: argsSchema(each.args) }]))
  return JSON.parse(
    JSON.stringify({
      ...{ description, version, restart, restartFrom, shutdown, mailbox },
      ...{ durable, indexes, isolate, handlerLimit, events },
      state: indexedState(definition),
      args: argsSchema(args),
      calls: closed(calls),
      casts: closed(casts),
    }),
  )
}

/** Of its state only what servers are found by. */
function indexedState({ indexes, state }: AnyDefinition): object | undefined {
  if (indexes === undefined) return undefined
  return { properties: Object.fromEntries(indexes.map((property) => [property, state?.['properties'][property]])) }
}
