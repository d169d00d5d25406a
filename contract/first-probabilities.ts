/**
 * How likely a 1 is at first in each context of columns, in order: a letter stands for 1 / (1 + 2^-l), l being -6 for `a` to 6 for `m`;
 * a point, and all contexts behind, for even odds. Counted over scrapes of node_exporter and Prometheus (other ones than those in
 * the tests), so that a push of one scrape need not spend a tenth of its bytes on learning. FORMAT.md has a copy: one that differs
 * makes another format.
 */
export const FIRST_PROBABILITIES = [
  '.jjgl..fa.........amm.a.m.dejmmam.cmm.a.m.emk.e.m.................ama.da..ammmc.m....................cefcfdee.heecammlja',
  '..m.hmglbk.....gd..me.eegdammdka..g.kbejel.....ma..mf.faca.mmbj...j.laa.a......mg...aeigaaa.ga.aemfg.mfggd...megfjciem..',
  '.....mmgfhheigihghha.a...............a.ad.ea..efg.....igadda..........mfjhf.mhiaa......................ccagaa.cea.d...ej',
  'gag...ma......majhfia.ma.......ma..............cfagaa.hgf.a...efgmfa..m.......mhgbahbaham......i...............biagfa.fa',
  'ifa...ghglhffaa.......mahfhm.fljfedhf.m................ai.ag..g.ge....mg..ghem.........lha....mmmefa.m.................e',
  'hmmm.m.m.m...m...m...m.......m.......a.......m...............a.ffmjf.mlajg...m.jf.iida.......m..hfic..dkgieba...........',
  '.....m.gmm.a.m..k....m....ib.........m.........bm....................m.fdmma.m.ie....m..mhfd.........m.....ljhfam.......',
  '.............m.ag.mb..mmdb.....jhifeb............kgglfffjec....................ahbkda.jhefa...jighfffgm........ihhihkggd',
  'fecjhd.a...............fifgffmclifda.mam.befhbkgh....mm..a..gddieakag.mafhhg.........m.hhemfam.mdea..m...maafem......m..',
  '.....ma.k.lmf..b.............m.aa.a...m........g................mm.............................ag.ia..jgg......ekjfe....',
  '........beemhglief.....................ae.ia..fhc.....ickhji..........lia.jiegih.l.....................dgajai.lgg.am..jm',
  'ifkg..m..a.....l.akhhcihgi.....m....m..........bfahda.hfhaa...mhgggim.m........allcekghhdh.a...m...............ag.ii..am',
  'aa....m..ea.f..........m....hlj...ka...................af.ej..gcja....mha..ga..........ghga.......a....................a',
  'e.ca..gad.....fha.m...........mehgf....l.......................aelgd.agfed..a.hggggefa....j...mfgggfgfghhfdgd..........m',
  '.......aedhecahgfeaba.hgggfgfcm.i.i...mffgggggfggfeff..i...h...m......af..efgffffghfgffggfggffeefffhfejl.dihc..gggga.a..',
  'b..m.............chamfa..ggfa.....mfhfgia............mfghficehhha...............j...........mfgfggggcgid.kiggggggd......',
  '..........................cca.cia.jda.efaddaeedhg.ghg.................................................................aa',
  '.b...db......ffb.............meghf............................ae.ge..ihef....hhghgfia........mhfgffhfeifhbfa............',
  '......................................................................aa.b...g.......he..............lhgf...............',
  '..............ai.eg..hgba....ig..c.f..........ggh....f...cl....................efgfgfffffheigefffgf.ik.ejf..............',
  '.....................geeciihigcdajhhgedgdgfgijjjiiiiihhihjjjjjjjjjkjjihgggggggghggggghhhhhhihhghhjfefghhhhgihhhefghihgf.',
  '....gggffffhhhgeef.aa.a...a.......dh..............gc.b.............................aa.a...a.......e...............gc....',
  '..........................................................................................hme..ea..f....................',
  '.....................................akh.aa.f...ia......jha.............mehlj............................aa.a...g.......',
  'ff..............mlhb..............................iibcdgga......................................................b.am..m.',
  '....m...........m.......................m...............................................m...............................',
  '..ad.a...a.......a...............a...............................a......................................................',
  '.........a.a',
].join('');
