/**
 * The floors of the house (CONTRIBUTING.md draws them): which folder may import which, and which packages. A file may
 * import its own floor and those that are named; nothing else.
 */
import { importsOf, type Sources } from './source-files.js'

export interface Floor {
  readonly name: string
  /** Files, and folders with a slash at the end. The first floor that has the path is the file's. */
  readonly at: readonly string[]
  readonly mayImport: readonly string[]
  /** Packages, or `dependencies` for all that a production install has. `node` is every built-in module. */
  readonly packages: readonly string[]
}

const core = ['kernel', 'definition', 'server', 'durable', 'supervisor', 'runtime']
const corePackages = ['node', '@sinclair/typebox', 'mutative']

/** The rooms of the core, each of which may import those before it. */
function coreFloors(): Floor[] {
  return core.map((name, at) => {
    const packages = name === 'kernel' ? ['node'] : corePackages
    return { name, at: [`src/core/${name}/`], mayImport: core.slice(0, at), packages }
  })
}

export const floors: readonly Floor[] = [
  ...coreFloors(),
  { name: 'door', at: ['src/index.ts', 'src/testing.ts'], mayImport: core, packages: ['@sinclair/typebox'] },
  { name: 'adapters', at: ['src/adapters.ts'], mayImport: core, packages: [] },
  { name: 'implementations', at: ['implementations/'], mayImport: [], packages: ['genservers'] },
  { name: 'stores', at: ['src/stores/'], mayImport: ['door', 'adapters'], packages: ['dependencies'] },
  {
    name: 'threads',
    at: ['src/threads/'],
    mayImport: ['door', 'adapters', 'loading', 'stores'],
    packages: ['dependencies'],
  },
  { name: 'loading', at: ['src/loading/'], mayImport: ['door'], packages: ['dependencies'] },
  { name: 'http', at: ['src/http/'], mayImport: ['door'], packages: ['dependencies'] },
  { name: 'routes', at: ['routes/'], mayImport: ['http', 'door'], packages: ['dependencies'] },
  { name: 'gateway', at: ['src/gateway.ts'], mayImport: ['routes', 'http', 'door'], packages: ['dependencies'] },
  {
    name: 'program',
    at: ['src/main.ts', 'src/cli/'],
    mayImport: ['gateway', 'http', 'loading', 'stores', 'threads', 'cluster', 'door'],
    // Pretty logs are for people who have the development packages.
    packages: ['dependencies', 'pino-pretty'],
  },
]

/** Each import that the floors forbid, as a sentence. `dependencies` are the packages of a production install. */
export function forbiddenImports(sources: Sources, dependencies: ReadonlySet<string>): string[] {
  const faults: string[] = []
  for (const [path, text] of sources) {
    const floor = floorOf(path)
    if (floor === undefined) {
      faults.push(`${path} is on no floor`)
      continue
    }
    const { files, packages } = importsOf(path, text)
    for (const file of files) {
      const other = floorOf(file)?.name
      if (other === undefined) faults.push(`${path} imports ${file}, which is on no floor`)
      else if (other !== floor.name && !floor.mayImport.includes(other)) {
        faults.push(`${path} (${floor.name}) imports ${file} (${other})`)
      }
    }
    for (const name of packages) {
      if (!mayUse(floor, name, dependencies)) faults.push(`${path} (${floor.name}) imports the package ${name}`)
    }
  }
  return faults
}

function floorOf(path: string): Floor | undefined {
  return floors.find(({ at }) => at.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place)))
}

function mayUse({ packages }: Floor, name: string, dependencies: ReadonlySet<string>): boolean {
  if (packages.includes(name)) return true
  if (name.startsWith('node:')) return packages.includes('node') || packages.includes('dependencies')
  return packages.includes('dependencies') && dependencies.has(name)
}
