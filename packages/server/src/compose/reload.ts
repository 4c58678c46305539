import type { Settings } from '../config/config.ts'
import { ConfigFaults, printFault } from '../config/faults.ts'
import type { Reloaded } from '../config/reload.ts'
import type { AuditEntry } from '../features/audit/audit.ts'
import type { LastReload, Operator, ReloadReport } from '../features/configuration/configuration.ports.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'

/** The parts of a configuration, ready beside those in effect. */
export interface Prepared {
  /** Puts them into effect for the calls to come. What it throws, it has undone. */
  readonly takeOver: () => void
  /** Takes that back: the former ones are in effect again. */
  readonly undo: () => void
  /** Resolves when what is known by name, such as models, is known anew, too. */
  readonly follow: () => Promise<void>
  readonly abandon: () => Promise<void>
}

export interface ReloadPorts {
  /** The settings in effect. */
  readonly settings: () => Settings
  /** @throws ConfigFaults */
  readonly read: (running: Settings) => Promise<Reloaded>
  readonly prepare: (next: Settings) => Promise<Prepared>
  /** Records, and lets `takeEffect` happen before that is kept: what it throws is not recorded. */
  readonly record: (entry: AuditEntry, takeEffect?: () => void) => Promise<void>
  readonly now: () => number
  readonly log: Log
}

const resource = 'configuration'

/** Puts a changed configuration into effect, one reload at a time: read, build, then audit and swap together. Nothing changes that is faulty or not in the audit. */
export const createReload = ({ settings, read, prepare, record, now, log }: ReloadPorts) => {
  let last: LastReload | null = null
  let restart: readonly string[] = []
  let queue: Promise<unknown> = Promise.resolve()
  let stopped = false

  const refuse = async (operator: Operator, { faults }: ConfigFaults): Promise<AppError> => {
    last = { at: now(), actor: operator.actor, faults }
    const places = faults.map(({ where, option }) => ({ where, option }))
    log.error({ component: 'configuration', reason: faults.map(printFault).join('; ') }, 'The reload was refused')
    // Without its place in the audit a refusal is still one, and whoever asked must hear why.
    await record({ ...operator, action: 'config.reload_refused', resource, after: { faults: places } }).catch(
      (error: unknown) => log.error({ component: 'configuration', error }, 'The refusal is missing in the audit'),
    )
    return new AppError('config_invalid', {
      details: faults.map(({ where, option, problem, expected, suggestion }) => ({
        location: where,
        message: option === '' ? problem : `${option}: ${problem}`,
        ...(suggestion !== undefined
          ? { fix: `Write "${suggestion}".` }
          : expected !== undefined && { fix: `Expected is ${expected}.` }),
      })),
    })
  }

  const reload = async (operator: Operator, isRecorded: boolean): Promise<ReloadReport> => {
    if (stopped) throw new AppError('server_draining')
    const {
      changed,
      restart: waiting,
      settings: next,
    } = await read(settings()).catch(async (cause: unknown) => {
      throw cause instanceof ConfigFaults ? await refuse(operator, cause) : cause
    })
    const report = { changed, restart: waiting }
    const prepared = changed.length === 0 ? null : await prepare(next)
    let isInEffect = false
    try {
      const takeEffect = () => {
        prepared?.takeOver()
        isInEffect = true
      }
      // What another process of this machine has recorded is one change, not two.
      if (isRecorded) takeEffect()
      else await record({ ...operator, action: 'config.reloaded', resource, after: report }, takeEffect)
    } catch (cause) {
      if (isInEffect) prepared?.undo()
      else await prepared?.abandon()
      throw cause
    }
    restart = waiting
    last = { at: now(), actor: operator.actor, faults: [] }
    await prepared?.follow()
    const reason = `changed: ${changed.join(', ') || 'nothing'}; for the next start: ${waiting.join(', ') || 'nothing'}`
    log.info({ component: 'configuration', reason }, 'The configuration was reloaded')
    return report
  }

  return {
    /** `isRecorded`: the change stands in the audit already. */
    run: (operator: Operator, isRecorded = false): Promise<ReloadReport> => {
      const report = queue.then(() => reload(operator, isRecorded))
      queue = report.catch(() => undefined)
      return report
    },
    /** What waits for the next start, and how the last reload went. */
    state: () => ({ restart, last }),
    /** Refuses further reloads; resolves when the one under way has ended. */
    stop: async (): Promise<void> => {
      stopped = true
      await queue
    },
  }
}
