extension StandardText {
  /// Prose of several kinds, in English.
  static let prose: [String] = [
    """
    The river had been rising since Tuesday. By Thursday evening it covered the lower meadow, and the cows stood in \
    a row along the hedge, looking offended. Martha carried the last of the chairs upstairs and sat down on one of \
    them. From the window she could see the bridge, or rather the place where the bridge ought to be: two lamps, \
    still burning, and brown water between them. "It won't come past the third step," her father had always said. It \
    was on the second now.
    """,
    """
    She thought of telephoning her brother in Leeds, but what would she tell him? That the water was high? He would \
    ask about the insurance. He had never liked the house, not even as a boy, and when their parents died he signed \
    his half over to her with a small laugh, as if he were getting rid of a bad joke. At nine o'clock the lights \
    went out. She lit two candles, put on her coat and opened the old atlas at random. Peru. There was a lake there, \
    she read, so high in the mountains that visitors could not breathe properly, and yet people had built islands on \
    it, out of reeds, and lived on them for centuries.
    """,
    """
    Granite is an igneous rock that forms when magma cools slowly below the surface of the Earth. Because the \
    cooling takes thousands or even millions of years, its crystals grow large enough to be seen with the naked eye. \
    The three main minerals are quartz, feldspar and mica; their proportions decide whether the stone looks grey, \
    pink or almost black. Granite is hard, resists weathering and can be polished, which is why it has been used \
    since antiquity for temples, bridges and kerbstones. In the nineteenth century whole towns in Scotland, Brittany \
    and Maine lived on their quarries.
    """,
    """
    The city council voted 11 to 4 on Monday night to close Harbour Street to private cars for a trial period of \
    twelve months. Buses, bicycles and delivery vans before 10 a.m. will still be allowed. Supporters said that the \
    street, where 38 accidents were recorded last year, had become dangerous for children on their way to the two \
    nearby schools. Shop owners were divided: "Half of my customers come on foot anyway," said Elena Marques, who \
    runs a bakery at number 17, while the owner of a furniture store announced that he would take the matter to \
    court. The mayor promised a public report on traffic, noise and sales in the spring.
    """,
    """
    To make a simple bread for two people, mix 300 g of flour with 6 g of salt and 3 g of dry yeast. Add 200 ml of \
    lukewarm water and stir with a wooden spoon until no dry flour is left. Cover the bowl and wait for half an \
    hour; then fold the dough over itself four times, turning the bowl a quarter each time. Repeat this twice. After \
    the last rest, shape a ball, put it on a floured cloth and heat the oven to 230 °C. Bake for 35 minutes. The \
    loaf is done when it sounds hollow if you knock on it.
    """,
    """
    The Roman road ran straight from the fort to the coast, forty-one miles without a bend, and where it met a hill \
    it simply went over. Historians used to admire this as a sign of discipline. More recent work suggests a duller \
    reason: the surveyors had no maps worth the name, and a straight line between two beacons was the only route \
    that two teams, starting from opposite ends, could agree upon. After the legions left in 410 the villages beside \
    it kept it in use, though nobody repaired it; carts drove around the holes, and so the English road, with its \
    famous curves, was drawn by seven hundred years of potholes.
    """,
    """
    In mathematics, a group is a set together with an operation that combines any two of its elements into a third, \
    such that three conditions hold: the operation is associative, there is an identity element, and every element \
    has an inverse. The integers with addition are a group; the integers with multiplication are not, because 2 has \
    no inverse among them. A subgroup is a subset that is itself a group under the same operation. Lagrange's \
    theorem states that the order of a subgroup of a finite group divides the order of the group, from which it \
    follows at once that a group of prime order has no proper subgroups except the trivial one.
    """,
    """
    Dear Ms. Okafor, thank you for your letter of 3 March. We are sorry to hear that the lamp (order no. 40-7716) \
    arrived with a cracked shade. A replacement was sent to you this morning by express mail and should reach you \
    within two working days; please keep the damaged one until our driver collects it. As an apology for the \
    inconvenience, we have credited £15 to your account. If there is anything else we can do, do not hesitate to \
    call me directly. Yours sincerely, Thomas Lindqvist, Customer Service.
    """,
    """
    Photosynthesis takes place in two stages. In the first, which needs light, chlorophyll absorbs photons and the \
    energy is used to split water: oxygen is released, and the carriers ATP and NADPH are charged. In the second, \
    called the Calvin cycle, these carriers drive a series of reactions in which carbon dioxide is bound and turned \
    into sugar. Plants of hot, dry regions have found ways to separate the two in space or in time; maize does the \
    one in the leaf's outer cells and the other in the inner ones, and cactuses open their pores only at night.
    """,
    """
    I have owned this vacuum cleaner for three weeks now and I'm mostly happy with it. Pros: it is light, \
    surprisingly quiet, and the battery lasts for our whole flat (about 80 square metres). Cons: the dust container \
    is tiny, and whoever designed the charging cable must have hated people. It also doesn't like long hair, so \
    expect to clean the brush every few days. Would I buy it again? At the sale price, yes; at the full price, \
    probably not. Four stars out of five.
    """,
    """
    The tenant shall keep the premises in good repair and shall not make any alteration without the written consent \
    of the landlord, which shall not be unreasonably withheld. If the rent or any part of it remains unpaid for \
    fourteen days after becoming due, whether formally demanded or not, the landlord may terminate this agreement by \
    notice in writing. Nothing in this clause affects the rights of either party under the applicable law. Any \
    dispute arising out of or in connection with this agreement shall be settled by arbitration, and the decision of \
    the arbitrator shall be final and binding.
    """,
    """
    Autumn came early to the valley, / and nobody had swept the yard; / the apples lay where they had fallen, / the \
    evening air was clear and hard. / We counted geese above the chimney, / you said there must be ninety-three, / \
    and I, who lost my count at twenty, / said that was what it seemed to me.
    """,
    """
    When a patient comes with a headache, the first task is to find the few who need help at once. Sudden onset, \
    fever with a stiff neck, a recent blow to the head, weakness on one side or confusion are all reasons to go to a \
    hospital immediately. Most headaches, however, are of the tension type: a dull pressure on both sides, worse in \
    the afternoon, which improves with rest, water and perhaps a mild painkiller. Migraine is different. It usually \
    affects one side, throbs, comes with nausea and a dislike of light, and may be announced by flickering zigzag \
    lines.
    """,
    """
    It was the last game of the season, and neither team could win anything any more, which may be why it was such a \
    good one. The visitors scored first, after eight minutes, with a header from a corner. Ten minutes into the \
    second half the home side were level; a long pass, one touch, and the ball went under the goalkeeper's arms. \
    Then the rain began. In the 87th minute young Adeyemi, who had come on as a substitute, lost his boot, kept \
    running, and scored with his sock.
    """,
    """
    What do we owe to people who do not exist yet? Some philosophers answer: nothing, since only actual persons can \
    have claims. Others point out that whoever buries a bomb that goes off in two hundred years does wrong, and does \
    it to someone. The difficulty is that our choices decide not only how future people will live but also which \
    people there will be. A policy that makes life worse in the long run may be worse for nobody in particular, \
    because under another policy nobody in particular would have been born. Parfit called this the non-identity \
    problem, and he did not believe that he had solved it.
    """,
    """
    The euro fell to its lowest level against the dollar since June after figures published on Friday showed that \
    German exports had shrunk by 2.3 per cent in the third quarter. Analysts had expected a decline of about 1 per \
    cent. "The weakness is broader than we thought," wrote the economists of one large bank, pointing to orders from \
    China and to high energy prices. Bond yields fell; shares of car makers lost up to 4.8 per cent. The central \
    bank will decide on interest rates next Thursday.
    """,
    """
    There was once a fox who could not lie. This was a great trouble to her. When she met the hens she told them \
    that she was hungry, and when the farmer asked who had been in his yard, she said: "I have." So she grew thin, \
    and the other foxes laughed. But one winter a wolf came into the forest and asked each of the animals where the \
    children of the village went to skate. All of them lied, and he believed none of them. Last of all he asked the \
    fox, and she said: "I know, and I will not tell you." The wolf looked at her for a long time, and then he went \
    away.
    """,
  ]
}
