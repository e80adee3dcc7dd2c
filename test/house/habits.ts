/** The habits that a program can check: size, names, headers, and no state that belongs to a module. */
import ts from 'typescript'
import type { Sources } from './source-files.js'

const LONGEST = 300

/** Names under which anything at all could be put. */
const SAYS_NOTHING = /^(?:.*-)?(?:utils?|helpers?|managers?)$|^(?:types?|common|misc|shared)$/

type Check = (path: string, text: string) => string | undefined

const tooLong: Check = (path, text) => {
  const lines = text.trimEnd().split('\n').length
  return lines > LONGEST ? `${path} has ${lines} lines` : undefined
}

const saysNothing: Check = (path) =>
  path.split('/').some((part) => SAYS_NOTHING.test(part.split('.')[0] as string))
    ? `${path} has a name that says nothing`
    : undefined

/** Two gateways in one process must not share anything that changes. */
const moduleState: Check = (path, text) => {
  const { statements } = ts.createSourceFile(path, text, ts.ScriptTarget.Latest)
  const mutable = statements.some(
    (statement) => ts.isVariableStatement(statement) && !(statement.declarationList.flags & ts.NodeFlags.Const),
  )
  return mutable ? `${path} has a variable that belongs to the module` : undefined
}

/** An implementation is opened by its `description`, which its users read too. */
const noHeader: Check = (path, text) =>
  path.startsWith('implementations/') || /^(?:#!.*\n)?\/(?:\*\*|\/) ?\S?/.test(text)
    ? undefined
    : `${path} does not open with what it is`

function broken(sources: Sources, check: Check): string[] {
  return [...sources].flatMap(([path, text]) => check(path, text) ?? [])
}

export const filesThatAreTooLong = (sources: Sources) => broken(sources, tooLong)
export const namesThatSayNothing = (sources: Sources) => broken(sources, saysNothing)
export const stateOfModules = (sources: Sources) => broken(sources, moduleState)
export const filesWithoutHeader = (sources: Sources) => broken(sources, noHeader)
