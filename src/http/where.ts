/** Reads from a query what is looked for in states: `PROPERTY=VALUE`, where the implementation says what the values are. */
import {
  type DefinitionData,
  escapePointer,
  type IndexedType,
  type IndexedValue,
  indexesOf,
  type Where,
} from '../index.js'
import { HttpProblem } from './problem-document.js'

/** @throws {HttpProblem} */
export function readWhere(texts: readonly string[], definition: DefinitionData | undefined): Where {
  const indexes = definition && indexesOf(definition)
  const where = new Map<string, IndexedValue>()
  for (const text of texts) {
    const at = text.indexOf('=')
    const property = text.slice(0, at)
    if (where.has(property)) throw givenTwice(property)
    where.set(property, readValue(text.slice(at + 1), indexes?.get(property)))
  }
  return Object.fromEntries(where)
}

/** What cannot be read stays text, and is refused as that. */
function readValue(text: string, type: IndexedType | undefined): IndexedValue {
  if (type === undefined || (type.type === 'string' && !(type.nullable && text === 'null'))) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function givenTwice(property: string): HttpProblem {
  const errors = [{ path: `/where/${escapePointer(property)}`, message: 'Expected once' }]
  return new HttpProblem('invalid_request', 'no property has two values', { errors })
}

export function whereOfWhom(): HttpProblem {
  const errors = [{ path: '/implementation', message: 'Expected with where' }]
  return new HttpProblem('invalid_request', 'who is looked for by a state is of one implementation', { errors })
}
