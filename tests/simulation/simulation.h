#pragma once
// One run: a world made from a seed, days of mail and trouble in it, a time in which everything is well again, and the reckoning.

#include <cstdint>
#include <string>
#include <vector>

#include "ledger.h"

namespace godwit::simulation {

struct Report {
  std::vector<std::string> violations;
  Ledger::Totals totals;
  std::uint64_t hash = 0;
  std::uint64_t lines = 0;
  std::size_t cuts = 0;
  std::size_t starts = 0;
  Duration simulated{};
  std::uint64_t writes = 0;
  Duration recovery{};  // from when all is well until the queue is empty, in hours
};

// How much of a world, and when its power goes.
struct Scale {
  bool print = false;           // every line of the journal
  bool hours = false;           // some hours with a dozen mails, no outages but the cut
  std::uint64_t cut_at = 0;     // the disk takes so many writes and no more (0: as the seed says); every third such run is cut
  std::uint64_t cut_again = 0;  // again, so many writes after the start
};

Report simulate(std::uint64_t seed, Scale scale);

// The storm: `messages` to a site that answers 451 for eight hours, and others' mail in between.
int storm(std::uint64_t messages);

}  // namespace godwit::simulation
