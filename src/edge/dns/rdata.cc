#include "edge/dns/rdata.h"

#include <algorithm>

#include "base/bytes.h"
#include "edge/dns/name.h"

namespace godwit::dns {
namespace {

constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

// A name that is the rest of the data.
Result<std::string> last_name(std::string_view rdata, std::size_t position) {
  GODWIT_ASSIGN(std::string name, name_from_wire(rdata, position));
  if (position != rdata.size()) return fail(Error::syntax("bytes behind the name", position));
  return name;
}

template <class Record>
Result<Records> parse_all(std::span<const std::string_view> rdata, Result<Record> (*parse)(std::string_view)) {
  std::vector<Record> records;
  records.reserve(rdata.size());
  for (const std::string_view one : rdata) {
    GODWIT_ASSIGN(Record record, parse(one));
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

Result<IpAddress> parse_a(std::string_view rdata) {
  if (rdata.size() != 4) return fail(Error::syntax("an A record has 4 bytes", rdata.size()));
  IpAddress address;
  std::copy(rdata.begin(), rdata.end(), address.bytes.begin());
  return address;
}

// A mapped address would reach an IPv4 host behind the back of every list of IPv4 networks.
Result<IpAddress> parse_aaaa(std::string_view rdata) {
  if (rdata.size() != 16) return fail(Error::syntax("an AAAA record has 16 bytes", rdata.size()));
  if (rdata.starts_with(kMapped)) return parse_a(rdata.substr(kMapped.size()));
  IpAddress address;
  address.v6 = true;
  std::copy(rdata.begin(), rdata.end(), address.bytes.begin());
  return address;
}

Result<Mx> parse_mx(std::string_view rdata) {
  if (rdata.size() < 2) return fail(Error::syntax("an MX record without its preference", rdata.size()));
  GODWIT_ASSIGN(std::string exchange, last_name(rdata, 2));
  return Mx{read_be16(rdata), std::move(exchange)};
}

Result<std::string> parse_name(std::string_view rdata) { return last_name(rdata, 0); }

Result<std::string> parse_txt(std::string_view rdata) {
  if (rdata.empty()) return fail(Error::syntax("a TXT record has at least one string", 0));
  std::string text;
  text.reserve(rdata.size());
  for (std::size_t position = 0; position < rdata.size();) {
    const std::size_t length = static_cast<unsigned char>(rdata[position]);
    if (length >= rdata.size() - position) return fail(Error::syntax("a string that goes on behind the end", position));
    text += rdata.substr(position + 1, length);
    position += 1 + length;
  }
  return text;
}

Result<Tlsa> parse_tlsa(std::string_view rdata) {
  if (rdata.size() < 3) return fail(Error::syntax("a TLSA record has at least 3 bytes", rdata.size()));
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(rdata[i]); };
  return Tlsa{byte(0), byte(1), byte(2), std::string(rdata.substr(3))};
}

Result<Records> parse_records(Type type, std::span<const std::string_view> rdata) {
  switch (type) {
    case Type::a: return parse_all(rdata, parse_a);
    case Type::aaaa: return parse_all(rdata, parse_aaaa);
    case Type::mx: return parse_all(rdata, parse_mx);
    case Type::cname:
    case Type::ptr: return parse_all(rdata, parse_name);
    case Type::txt: return parse_all(rdata, parse_txt);
    case Type::tlsa: return parse_all(rdata, parse_tlsa);
  }
  return fail(Error::permanent(Error::Cause::unsupported, "a record type that nobody reads here"));
}

}  // namespace godwit::dns
