// The list of runs stays up to date.
import { every, refresh } from "/assets/live.js";

every(5000, refresh);
