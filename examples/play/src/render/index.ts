export { ENTER_SCREEN, FRAME_HEIGHT, FRAME_WIDTH, LEAVE_SCREEN, paint, renderFrame, type Scene } from './frame.ts';
export { keyCommands } from './keys.ts';
export { styleFrom } from './style.ts';
