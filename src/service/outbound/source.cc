#include "service/outbound/source.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace godwit::outbound {
namespace {

// FNV-1a and the finish of SplitMix64: the same on every machine, and so are the choices.
std::uint64_t hash(std::string_view name, std::uint64_t id) {
  std::uint64_t value = 0xcbf29ce484222325U;
  for (const char c : name) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  value ^= id * 0x9e3779b97f4a7c15U;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
  value = (value ^ value >> 27) * 0x94d049bb133111ebU;
  return value ^ value >> 31;
}

double score(const Pool::Member& member, MessageId message) {
  const double uniform = (static_cast<double>(hash(member.source->name, message.value) >> 11) + 0.5) * 0x1p-53;
  return -static_cast<double>(member.weight) / std::log(uniform);
}

}  // namespace

void Source::count_for_metrics() {
  static constexpr std::string_view kName = "godwit_outbound_source_recipients_total";
  static constexpr std::string_view kHelp = "Recipients that were attempted over SMTP from a configured source, by outcome";
  static constexpr std::string_view kOutcomes[] = {"delivered", "deferred", "bounced"};
  for (std::size_t i = 0; i < 3; ++i) counters[i] = &metrics::counter(kName, kHelp, {{"source", name}, {"outcome", kOutcomes[i]}});
}

std::shared_ptr<const Source> Egress::find(std::string_view source) const {
  for (const auto& [name, pool] : pools)
    for (const Pool::Member& member : pool.members)
      if (member.source->name == source) return member.source;
  return nullptr;
}

std::vector<std::size_t> in_order(const Pool& pool, MessageId message) {
  std::vector<std::size_t> order(pool.members.size());
  std::iota(order.begin(), order.end(), 0);
  if (order.size() < 2) return order;
  std::vector<double> scores;
  for (const Pool::Member& member : pool.members) scores.push_back(score(member, message));
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  return order;
}

}  // namespace godwit::outbound
