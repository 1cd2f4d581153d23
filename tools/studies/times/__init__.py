"""Which times, share, uniform fraction and weight learn the one-step map best: `golden/times/{toys,latents}.csv`."""
