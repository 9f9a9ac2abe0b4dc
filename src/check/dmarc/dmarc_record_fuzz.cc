// Records and walks: what is taken keeps its limits and says so again where only white space is added; walks stay within 8 names.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "check/dmarc/evaluate.h"
#include "check/dmarc/walk.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& record : {std::string(text), "v=DMARC1;" + std::string(text)}) {
    const auto parsed = dmarc::parse_record(record);
    require(parsed.has_value() == (dmarc::is_dmarc_record(record) && record.size() <= dmarc::kMaxRecord));
    if (!parsed) continue;
    require(parsed->aggregate_reports.size() <= dmarc::kMaxUris && parsed->faults.size() <= 20);
    require(parsed->policy.has_value() || parsed->faulty_policy);
    for (const auto& uri : parsed->aggregate_reports) require(!uri.uri.empty() && uri.uri.find(',') == std::string::npos);
    if (record.size() < dmarc::kMaxRecord) require(dmarc::parse_record(record + ";").value() == *parsed);
  }
  const auto targets = dmarc::walk_targets(text.substr(0, 253));
  require(targets.size() <= 8);
  const std::vector<std::string> from{std::string(text)};
  if (const auto author = dmarc::author_domain(from)) require(!author->empty() && author->size() <= 253);
  return 0;
}
