// Simulated clients on shared mailboxes beside a model: whatever they do, each one's view is what the mailbox is, and the mailbox is what
// the answers said. A seed decides everything.
//
//   GODWIT_IMAP_SEEDS=50000   so many seeds (2,000; ./dev prove imap takes 50,000)
//   GODWIT_IMAP_SEED=1234     this one alone, with its transcript

#include <gtest/gtest.h>

#include <cstdlib>

#include "frontend/imapd/model/simulation_fixture.h"

namespace godwit::imapd::model {
namespace {

constexpr std::uint64_t kBlocks = 20;  // tests, for shards

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return number_of(text);
}

std::string replay(std::uint64_t seed, const std::string& trouble) {
  Simulation again(seed, true);
  const std::string same = again.run();
  std::string out = "seed " + std::to_string(seed) + ": " + trouble + "\n";
  if (same != trouble) out += "NOT THE SAME WHEN IT RAN AGAIN: " + same + "\n";
  for (const auto& line : again.transcript()) out += line + (line.ends_with('\n') ? "" : "\n");
  out += "GODWIT_IMAP_SEED=" + std::to_string(seed) +
         " build/sanitize/src/frontend/imapd/imapd_test --gtest_filter='*ModelTest*'  runs it again\n";
  return out;
}

class ModelTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(ModelTest, ViewsAgree) {
  const auto alone = number_in("GODWIT_IMAP_SEED");
  if (alone) {
    if (GetParam() != 0) GTEST_SKIP();
    Simulation simulation(*alone, true);
    const std::string trouble = simulation.run();
    for (const auto& line : simulation.transcript()) std::fputs((line + (line.ends_with('\n') ? "" : "\n")).c_str(), stdout);
    ASSERT_EQ(trouble, "");
    return;
  }
  const std::uint64_t seeds = number_in("GODWIT_IMAP_SEEDS").value_or(2'000);
  for (std::uint64_t seed = GetParam(); seed < seeds; seed += kBlocks) {
    const std::string trouble = Simulation(seed, false).run();
    ASSERT_EQ(trouble, "") << replay(seed, trouble);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range(std::uint64_t{0}, kBlocks));

}  // namespace
}  // namespace godwit::imapd::model
