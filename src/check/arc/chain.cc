#include "check/arc/chain.h"

#include <fmt/format.h>

#include <array>

namespace godwit::arc {
namespace {

constexpr std::size_t kUnset = static_cast<std::size_t>(-1);

void blame(Chain& chain, unsigned at, std::string text) {
  if (!chain.fault.empty()) return;
  chain.fault = std::move(text);
  chain.fault_at = at;
}

// Puts each field of one name where its instance belongs.
template <class Parse, class Place>
void sort_in(Chain& chain, const dkim::HeaderFields& header, std::string_view name, Parse parse, Place place) {
  for (const std::uint32_t field : header.named(name)) {
    auto parsed = parse(header.value(field));
    if (!parsed) {
      blame(chain, 0, fmt::format("{} cannot be read: {}", name, parsed.error().text));
      continue;
    }
    const unsigned instance = parsed->instance;
    // RFC 8617 5.2 step 3 B: no gaps
    if (instance > chain.links.size()) {
      blame(chain, instance, fmt::format("{} of instance {} belongs to no complete set", name, instance));
      continue;
    }
    // RFC 8617 5.2 step 3 A: exactly one each
    if (!place(chain.links[instance - 1], field, *std::move(parsed)))
      blame(chain, instance, fmt::format("{} of instance {} occurs twice", name, instance));
  }
}

bool put(std::size_t& slot, std::size_t field) {
  if (slot != kUnset) return false;
  slot = field;
  return true;
}

// RFC 8617 5.2 step 3 C
void check_states(Chain& chain) {
  for (std::size_t i = 0; i < chain.links.size(); ++i) {
    const ChainState wanted = i == 0 ? ChainState::none : ChainState::pass;
    const ChainState state = chain.links[i].seal.state;
    if (state != wanted)
      blame(chain, static_cast<unsigned>(i + 1), fmt::format("the seal of instance {} says cv={}", i + 1, to_string(state)));
  }
}

// The field itself without the value of b= and the white space around it (RFC 6376 3.7).
std::array<std::string_view, 2> without_data(const dkim::HeaderFields& header, std::size_t field, const dkim::Signature& signature) {
  const auto whole = header.bytes(field);
  const auto value = header.value(field);
  const std::size_t begin = whole.size() - value.size() + signature.data_begin;
  return {whole.substr(0, begin), value.substr(signature.data_end)};
}

}  // namespace

Chain collect(const dkim::HeaderFields& header, unsigned max_sets) {
  Chain chain;
  const std::size_t sets =
      std::max({header.named(kResultsField).size(), header.named(kMessageField).size(), header.named(kSealField).size()});
  if (sets == 0) return chain;
  // RFC 8617 5.2 step 1
  if (sets > max_sets) {
    blame(chain, 0, fmt::format("there are more than {} sets", max_sets));
    return chain;
  }
  chain.links.resize(sets, {kUnset, kUnset, kUnset, {}, {}, {}});
  // RFC 8617 5.2 step 2: what the last seal says comes before the structure
  sort_in(chain, header, kSealField, parse_seal, [](Link& link, std::size_t field, Signed parsed) {
    if (!put(link.seal_field, field)) return false;
    link.seal = std::move(parsed);
    return true;
  });
  sort_in(chain, header, kMessageField, parse_message_signature, [](Link& link, std::size_t field, Signed parsed) {
    if (!put(link.message_field, field)) return false;
    link.message = std::move(parsed);
    return true;
  });
  sort_in(chain, header, kResultsField, parse_results, [](Link& link, std::size_t field, const Results& parsed) {
    if (!put(link.results_field, field)) return false;
    link.results = std::string(parsed.body);
    return true;
  });
  for (std::size_t i = 0; i < sets; ++i) {
    const Link& link = chain.links[i];
    if (link.seal_field == kUnset || link.message_field == kUnset || link.results_field == kUnset)
      blame(chain, static_cast<unsigned>(i + 1), fmt::format("the set of instance {} is not complete", i + 1));
  }
  check_states(chain);
  return chain;
}

std::string message_hash(const dkim::HeaderFields& header, const Link& link) {
  const dkim::Signature& signature = link.message.signature;
  const auto last = without_data(header, link.message_field, signature);
  return header.hash(signature.header_canonicalization, header.select(signature.fields, link.message_field), last);
}

std::string seal_hash(const dkim::HeaderFields& header, const std::vector<Link>& links, std::size_t at) {
  // RFC 8617 5.1.1: set after set, in each the results, the message signature, the seal; the last seal without its b=
  std::vector<std::uint32_t> fields;
  for (std::size_t i = 0; i <= at; ++i) {
    fields.push_back(static_cast<std::uint32_t>(links[i].results_field));
    fields.push_back(static_cast<std::uint32_t>(links[i].message_field));
    if (i < at) fields.push_back(static_cast<std::uint32_t>(links[i].seal_field));
  }
  return header.hash(dkim::Canonicalization::relaxed, fields, without_data(header, links[at].seal_field, links[at].seal.signature));
}

}  // namespace godwit::arc
