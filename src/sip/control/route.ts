import type { Application } from './application.ts';
import type { Frame } from './framing.ts';

/** `<id>|route|<verb>`: any verb is accepted, also twice, also before `authenticate` (it counts afterwards). */
export function route(application: Application, frame: Frame): void {
  const [id = '', , verb = ''] = frame.fields;
  application.addRoute(verb);
  application.ok(id);
}

/** `<id>|remove_route|<verb>`. */
export function removeRoute(application: Application, frame: Frame): void {
  application.removeRoutes();
  application.ok(frame.fields[0] ?? '');
}
