/** What an operator may be allowed to do; each route of operators names one. */
export const permissions = [
  'keys:read',
  'keys:write',
  'projects:read',
  'projects:write',
  'users:read',
  'users:write',
  'providers:read',
  'providers:write',
  'limits:read',
  'limits:write',
  'safety:read',
  'safety:write',
  'budgets:read',
  'budgets:write',
  'usage:read',
  'ledger:read',
  'ledger:write',
  'requests:read',
  'bodies:read',
  'metrics:read',
  'alerts:read',
  'alerts:write',
  'audit:read',
  'audit:write',
  'privacy:read',
  'privacy:write',
  'encryption:read',
  'encryption:write',
  'backups:read',
  'backups:write',
  'config:read',
  'config:write',
  'logs:read',
  'logs:write',
  'diagnostics:read',
  'diagnostics:profile',
  'diagnostics:heap',
  'operators:read',
  'operators:write',
] as const
export type Permission = (typeof permissions)[number]

/** Roles of operators, the mightiest first. */
export const roles = ['owner', 'admin', 'analyst', 'support'] as const
export type Role = (typeof roles)[number]

/** What each role may do. `owner` is also whoever holds the admin key. */
export const rolePermissions: Readonly<Record<Role, readonly Permission[]>> = {
  owner: permissions,
  // Everything but saying who the operators are, and reading what people wrote: a snapshot of the heap holds that, and every secret.
  admin: permissions.filter(
    (permission) => !['operators:write', 'bodies:read', 'diagnostics:heap'].includes(permission),
  ),
  // What it is used for and what it costs; nobody's keys.
  analyst: [
    'projects:read',
    'limits:read',
    'budgets:read',
    'usage:read',
    'ledger:read',
    'requests:read',
    'metrics:read',
    'alerts:read',
  ],
  // Why somebody's call was refused; changes nothing.
  support: [
    'keys:read',
    'projects:read',
    'users:read',
    'providers:read',
    'limits:read',
    'safety:read',
    'budgets:read',
    'usage:read',
    'ledger:read',
    'requests:read',
    'alerts:read',
    'audit:read',
    'privacy:read',
  ],
}
