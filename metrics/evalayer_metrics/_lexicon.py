"""Small word lists of many languages, for metrics that read an explanation. All words are folded."""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that carry no evidence: articles, pronouns, prepositions, conjunctions, auxiliaries.
FUNCTION_WORDS: Final = _words(
    """
    a about after all also an and any are as at be because been before being but by can could did do does done
    during each for from had has have he her here his how i if in into is it its itself just may me might more
    most must my no nor not of off on only or other our out over own she should since so some still such than that
    the their them then there therefore these they this those through thus to too under until up very was we were
    what when where whether which while who whose why will with within without would yet you your aber alle als am
    auch auf aus bei bin bis da damit das dass dem den der des die diese dieser dieses doch durch ein eine einem
    einen einer eines er es für hat haben hier ich ihr ihre im ist ja kann kein keine können man mehr mit muss
    nach nicht noch nur ob oder ohne sehr sein seine sich sie sind über um und uns unter vom von vor war weil wenn
    werden wie wir wird wurde zu zum zur à au aux avec ce ces cet cette comme dans de du elle elles en est et eu
    il ils je la le les leur lui mais même mon ne nous ont ou où par pas plus pour qu que qui sa sans se ses si
    son sont sur ta te tu un une vous y al algo como con cual cuando del desde donde el ella ellos era esa ese eso
    esta está este esto fue ha hay las lo los más mi muy nos o para pero por porque ser sin sobre su sus también
    tiene una uno ya ao aos até com dos ela ele em então essa esse isso isto já mas meu na nas não nem num numa os
    pela pelo pois quando são sem seu sua também tem uma ai alla anche che chi ci cui dal dalla degli dei della
    delle di e ed gli hanno ho io loro ma nel nella non per perché più quella quello questa questo sono suo tra
    bij dan dat deze dit door een geen het hij ik kan maar met naar niet nog om ook op tot uit van voor waar wat
    werd wordt zich zijn ze
    """
)

# One hedge each. Words of unspaced scripts are in the pattern below.
HEDGES: Final = _words(
    """
    apparently appear appears arguably assume could guess hopefully likely maybe may might perhaps plausibly
    possible possibly potentially presumably probable probably seem seems seemingly somewhat suppose uncertain
    unclear unsure anscheinend eventuell könnte könnten möglich möglicherweise scheinbar scheint unklar vermutlich
    vielleicht wahrscheinlich womöglich apparemment éventuellement incertain possiblement pourrait pourraient
    probablement semble semblent aparentemente parece parecen podría podrían posible posiblemente probablemente
    quizá quizás acaso incierto incerto poderia possivelmente possível provavelmente provável talvez forse magari
    possibile possibilmente potrebbe potrebbero probabile probabilmente sembra sembrano lijkt misschien mogelijk
    mogelijkerwijs vermoedelijk waarschijnlijk onduidelijk chyba może możliwe prawdopodobnie belki galiba herhalde
    muhtemelen вероятно возможно может наверное кажется ίσως μάλλον πιθανόν 아마 아마도 ربما शायद
    """
)
UNSPACED_HEDGES: Final = re.compile("かもしれ|たぶん|おそらく|多分|恐らく|也许|或许|可能|大概|似乎|อาจ|บางที")

# Words that turn the next few round: "not a network problem", "rather than hardware".
NEGATORS: Final = _words(
    """
    cannot excludes instead never no nor not rather unlikely without kein keine keinen keiner kaum nicht nie ohne
    statt aucun aucune jamais ne ni pas plutôt sans jamás ningún ninguna nunca sin tampoco não nem nenhum nenhuma
    sem non né nessun nessuna senza geen niet zonder bez değil не нет без
    """
)
# Words after which a new claim begins, as after a comma: "not hardware but the network".
TURNS: Final = _words("but however sondern aber mais sino pero mas ma bensì maar lecz ale ama а но")
