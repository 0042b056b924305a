import type { NumberingPlan } from './numbering-plan.ts';

/** China. The prefixes and the short codes are general knowledge: let the operator confirm them. */
export const chinaPlan: NumberingPlan = {
  country: 'CN',
  countryCode: '86',
  internationalPrefix: '00',
  trunkPrefix: '0',
  mobile: /^1[3-9]\d{9}$/,
  nonGeographic: /^[48]00\d{7}$/,
  // Two-digit areas (Beijing 10, 2x) have eight-digit subscribers, the others seven or eight. A subscriber's number
  // begins with 2 to 8: 1 is for services, 9 for short codes. Areas 400, 800 and 86x do not exist.
  fixed: /^(10|2\d)[2-8]\d{7}$|^((?!400|800|86)[3-9]\d\d)[2-8]\d{6,7}$/,
  local: /^[2-8]\d{6,7}$/,
  areaCode: /^(?:10|2\d|(?!400|800|86)[3-9]\d\d)$/,
  shortCodes: [
    /^11[0-9]$/, // emergency, directory, time, weather
    /^12[0-9]$/,
    /^100\d{2,4}$/, // operators' service lines, some with a menu entry behind (1008611)
    /^101\d{2}$/,
    /^1010\d{4}$/,
    /^106\d{5,17}$/, // SMS access codes with their extensions
    /^11[68]\d{3}$/,
    /^12\d{3,4}$/, // hotlines such as 12345 and 12306
    /^16\d{3,6}$/,
    /^95\d{3,7}$/, // banks, insurers, airlines
    /^950\d{5,14}$/, // privacy numbers and other long service numbers
    /^96\d{3,6}$/, // services of a province
  ],
  carrierPrefixes: [
    ...['17900', '17901', '17908', '17909', '17910', '17911', '17950', '17951', '17960', '17961', '17968', '17969'],
    ...['17990', '17991', '17995', '17996', '12593', '10193', '11808', '125831', '125832', '125833'],
  ],
  // 86 and ten or eleven digits. An eight-digit local number may begin with 86 as well.
  bareCountryCodeLengths: [12, 13],
  emergency: new Set(['110', '112', '119', '120', '122', '999', '911']),
};
