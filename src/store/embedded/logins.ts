import type { DatabaseSync } from 'node:sqlite';
import type { TerminalLogin } from '../../call/subscriber.ts';
import { integer, maybeInteger, text, type Row } from './rows.ts';

type Times = 'loggedInAt' | 'lastSeenAt' | 'loggedOutAt';

/** Where terminals logged in, in SQL. */
export function loginTable(db: DatabaseSync) {
  const save = db.prepare(
    `INSERT INTO logins (account, terminal_id, body, logged_in_at, last_seen_at, logged_out_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (account, terminal_id) DO UPDATE SET body = excluded.body, logged_in_at = excluded.logged_in_at,
       last_seen_at = excluded.last_seen_at, logged_out_at = excluded.logged_out_at`,
  );
  const seen = db.prepare(
    'UPDATE logins SET last_seen_at = max(last_seen_at, ?) WHERE account = ? AND terminal_id = ?',
  );
  const loggedOut = db.prepare('UPDATE logins SET logged_out_at = ? WHERE account = ? AND terminal_id = ?');
  const of = db.prepare('SELECT * FROM logins WHERE account = ? ORDER BY logged_in_at DESC, terminal_id');

  const reads = {
    loginsOf(account: string): TerminalLogin[] {
      return of.all(account).map(loginOf);
    },
  };
  const writes = {
    saveLogin(login: TerminalLogin): void {
      const { loggedInAt, lastSeenAt, loggedOutAt, ...body } = login;
      save.run(login.account, login.terminalId, JSON.stringify(body), loggedInAt, lastSeenAt, loggedOutAt ?? null);
    },
    terminalSeen(account: string, terminalId: string, at: number): void {
      seen.run(at, account, terminalId);
    },
    terminalLoggedOut(account: string, terminalId: string, at: number): void {
      loggedOut.run(at, account, terminalId);
    },
  };
  return { reads, writes };
}

function loginOf(row: Row): TerminalLogin {
  // The body is what saveLogin above wrote.
  const body = JSON.parse(text(row, 'body')) as Omit<TerminalLogin, Times>;
  return {
    ...body,
    loggedInAt: integer(row, 'logged_in_at'),
    lastSeenAt: integer(row, 'last_seen_at'),
    ...maybeInteger(row, 'logged_out_at', 'loggedOutAt'),
  };
}
