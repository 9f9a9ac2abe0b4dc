// Record data as a server could send it: first byte = which parser. What is read keeps the limits, and names come back the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "edge/dns/name.h"
#include "edge/dns/rdata.h"

using namespace godwit;

namespace {

void check_name(std::string_view name) {
  const auto wire = dns::name_to_wire(name);
  if (!wire || wire->size() > dns::kMaxName) std::abort();
  std::size_t position = 0;
  const auto again = dns::name_from_wire(*wire, position);
  if (!again || *again != name || position != wire->size()) std::abort();
  if (dns::normal_name(name) != *again) std::abort();
  for (const char c : name)
    if (c <= ' ' || c > '~') std::abort();
}

void check_text(std::string_view text) {
  const auto normal = dns::normal_name(text);
  if (normal) check_name(*normal);
}

void check(const dns::Records& records, std::size_t size) {
  if (const auto* mx = std::get_if<std::vector<dns::Mx>>(&records)) check_name(mx->at(0).exchange);
  if (const auto* tlsa = std::get_if<std::vector<dns::Tlsa>>(&records))
    if (tlsa->at(0).data.size() + 3 != size) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr dns::Type kTypes[] = {dns::Type::a,   dns::Type::aaaa, dns::Type::mx,  dns::Type::cname,
                                  dns::Type::ptr, dns::Type::txt,  dns::Type::tlsa};
  const std::string_view rdata(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 8 == 7) {
    check_text(rdata);
    return 0;
  }
  const dns::Type type = kTypes[data[0] % 8];
  const auto records = dns::parse_records(type, std::span(&rdata, 1));
  if (!records) return 0;
  check(*records, rdata.size());
  if (type == dns::Type::cname || type == dns::Type::ptr) check_name(std::get<std::vector<std::string>>(*records).at(0));
  if (type == dns::Type::txt && std::get<std::vector<std::string>>(*records).at(0).size() >= rdata.size()) std::abort();
  return 0;
}
