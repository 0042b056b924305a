import type { Command } from 'commander';
import { unknownCall } from '../../../store/failures.ts';
import { act } from '../../context.ts';
import { withIsoTimes } from '../../time.ts';
import { tellStory } from './story.ts';

/** `ringaway call show`. */
export function registerShow(parent: Command): void {
  parent
    .command('show')
    .argument('<id>', 'id of the call, as call list shows it')
    .description('Tell the story of a call.')
    .action(
      act(async (context, id: string) => {
        const { records } = await context.store();
        const record = await records.get(id);
        if (!record) throw unknownCall(id);
        context.print(withIsoTimes(record), () => tellStory(record));
      }),
    );
}
