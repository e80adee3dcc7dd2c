/** What servers on other nodes tell those that are here, by links, monitors and signals. */
import { nobody, type Tied } from '../../adapters.js'
import type { Tie, TieMessage } from '../wire/messages.js'
import type { RemoteServer } from './remote-server.js'

export interface TieTerms {
  readonly here: (id: string) => Tied | undefined
  readonly elsewhere: (id: string) => RemoteServer | undefined
  readonly tell: (to: string, tie: Tie) => void
}

export class TieService {
  constructor(private readonly terms: TieTerms) {}

  hear({ to, tie }: TieMessage): void {
    const { here, tell } = this.terms
    const server = here(to)
    if (server !== undefined) this.#tell(server, tie)
    // It has ended meanwhile.
    else if (tie.what === 'link') tell(tie.by, { what: 'died', death: nobody(to) })
    else if (tie.what === 'monitor') tell(tie.by, { what: 'down', ref: tie.ref, death: nobody(to) })
  }

  #tell(server: Tied, tie: Tie): void {
    const { elsewhere } = this.terms
    switch (tie.what) {
      case 'link':
      case 'unlink':
        elsewhere(tie.by)?.ties.heardLink(server, tie.what === 'link')
        break
      case 'monitor': {
        const watcher = elsewhere(tie.by)
        if (watcher !== undefined) server.ties.watchedBy(tie.ref, watcher)
        break
      }
      case 'demonitor':
        server.ties.unwatchedBy(tie.ref)
        break
      case 'exit':
        server.ties.exitSignal(tie.death)
        break
      case 'died':
        server.ties.linkedDied(tie.death)
        break
      case 'down':
        elsewhere(tie.death.id)?.ties.heardDown(tie.ref)
        server.ties.down(tie.ref, tie.death)
        break
      case 'kill':
        server.die('killed')
    }
  }
}
