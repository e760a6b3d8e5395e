package main

import "math/rand/v2"

// schedule says who has a turn in each round, in an order drawn anew for each:
// what a turn leaves behind (caches, files that are being written) then meets
// everybody. Those with an every of n have a turn in every n-th round, from the
// first on.
func schedule(observers []observer, rounds int, rng *rand.Rand) [][]observer {
	plan := make([][]observer, rounds)
	for round := range plan {
		for _, o := range observers {
			if round%max(1, o.every) == 0 {
				plan[round] = append(plan[round], o)
			}
		}
		turn := plan[round]
		rng.Shuffle(len(turn), func(i, j int) { turn[i], turn[j] = turn[j], turn[i] })
	}
	return plan
}
