// Times as a ward reads them. The page and the service's cards both speak UTC, so they can be compared.

const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

/** "Tue 24 Nov, 09:05". */
export function when(instant) {
  const time = new Date(instant);
  return `${DAY.format(time).replace(",", "")}, ${CLOCK.format(time)}`;
}

/** "09:05". */
export function clock(instant) {
  return CLOCK.format(new Date(instant));
}

/** "3 h ago", "2 days ago". */
export function ago(instant) {
  const minutes = Math.round((Date.now() - new Date(instant)) / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 1440)} days ago`;
}

/** How old a person is today, as people say it: days, then months, then years. */
export function age(birthDate) {
  const [year, month, day] = birthDate.split("-").map(Number);
  const today = new Date();
  const days = Math.floor((today - Date.UTC(year, month - 1, day)) / 86_400_000);
  const months = (today.getUTCFullYear() - year) * 12 + today.getUTCMonth() + 1 - month - (today.getUTCDate() < day ? 1 : 0);
  if (months < 2) {
    return `${days} ${days === 1 ? "day" : "days"}`;
  }
  return months < 24 ? `${months} months` : `${Math.floor(months / 12)} years`;
}
