/**
 * The far ends of the ties between servers of this node and one on another: each end is kept where its server is, and what one
 * tells the other is carried there.
 */
import { type Tied, Ties } from '../../adapters.js'
import type { Death } from '../../index.js'
import type { Tie } from '../wire/messages.js'

export class RemoteTies extends Ties {
  constructor(
    self: Tied,
    private readonly tell: (tie: Tie) => void,
  ) {
    super(self, () => undefined)
  }

  override joined(by: Tied): void {
    super.joined(by)
    this.tell({ what: 'link', by: by.id })
  }

  override parted(by: Tied): void {
    super.parted(by)
    this.tell({ what: 'unlink', by: by.id })
  }

  override watchedBy(ref: string, watcher: Tied): void {
    super.watchedBy(ref, watcher)
    this.tell({ what: 'monitor', by: watcher.id, ref })
  }

  override unwatchedBy(ref: string): void {
    super.unwatchedBy(ref)
    this.tell({ what: 'demonitor', ref })
  }

  override exitSignal(death: Death): void {
    this.tell({ what: 'exit', death })
  }

  override linkDied(_by: Tied, death: Death): void {
    this.tell({ what: 'died', death })
  }

  override down(ref: string, death: Death): void {
    this.tell({ what: 'down', ref, death })
  }

  /** It has linked itself, or has undone that, where it is. */
  heardLink(to: Tied, isOn: boolean): void {
    if (isOn) {
      super.joined(to)
      to.ties.joined(this.self)
    } else {
      super.parted(to)
      to.ties.parted(this.self)
    }
  }

  /** The monitor has brought what it had to. */
  heardDown(ref: string): void {
    super.unwatchedBy(ref)
  }
}
