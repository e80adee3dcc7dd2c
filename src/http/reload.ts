/** What the gateway needs to reload an implementation, and how that is shown. */
import { Type } from '@sinclair/typebox'
import type { CodeChanged, CodeChangeOptions } from '../index.js'
import { Query } from './parameters.js'
import { timeout } from './server-schemas.js'

/**
 * Loads an implementation again from where it came, and puts it under its servers.
 * @throws {GenServerError} as `Operations.changeCode` · {HttpProblem} `load_failed`
 */
export type Reload = (implementation: string, options: CodeChangeOptions) => Promise<CodeChanged>

export const ReloadQuery = Query({
  dryRun: Type.Optional(Type.Boolean({ description: 'Only tell what would come of it.' })),
  timeout: Type.Optional(timeout('Milliseconds until it must be done (default 5000).')),
})

const version = (description: string) => Type.Integer({ description })

export const CodeChange = Type.Object(
  {
    implementation: Type.String({ examples: ['counter'] }),
    from: version('The version of the code before.'),
    to: version('The version of the code that was loaded.'),
    servers: Type.Integer({ description: 'How many servers run on it, or would.' }),
    migrated: Type.Integer({ description: 'How many of them have another state now, or would have.' }),
    dryRun: Type.Boolean({ description: 'Nothing was done.' }),
  },
  { $id: 'CodeChange', description: 'What came of a change of code.' },
)
