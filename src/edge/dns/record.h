#pragma once
// What the DNS says: record types, their data, and the four ways a lookup ends. Values; any thread.
//
// Names are presented in lower case without the final dot; a byte that is no visible ASCII character, a dot or a
// backslash inside a label is written as \DDD or \c (RFC 1035 5.1). The root is the empty string.

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace godwit::dns {

// The numbers of the wire (IANA, "Resource Record (RR) TYPEs").
enum class Type : std::uint16_t { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, tlsa = 52 };
std::string_view to_string(Type type);  // "MX"

struct Mx {
  std::uint16_t preference = 0;
  std::string exchange;  // empty: "this domain takes no mail" (null MX, RFC 7505)

  auto operator<=>(const Mx&) const = default;
};

struct Tlsa {  // RFC 6698 2.1; whether the values make sense is for DANE to judge
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching_type = 0;
  std::string data;

  auto operator<=>(const Tlsa&) const = default;
};

// A, AAAA: addresses. MX. CNAME, PTR: names; TXT: the strings of each record joined (RFC 7208 3.3). TLSA.
using Records = std::variant<std::vector<IpAddress>, std::vector<Mx>, std::vector<std::string>, std::vector<Tlsa>>;

enum class Status : std::uint8_t {
  records,
  no_data,   // the name exists, records of this type do not
  nxdomain,  // the name does not exist, nor any below it (RFC 8020)
  failed     // nobody knows: try again later
};

enum class Security : std::uint8_t {
  insecure,  // not signed, or not validated here
  secure,    // validated up to the trust anchor; for no_data and nxdomain the absence was proved
  bogus      // should have been secure and is not: always `failed`
};

// The end of a lookup, apart from the records.
struct Outcome {
  Status status = Status::failed;
  Security security = Security::insecure;
  std::chrono::seconds ttl{0};            // how long this may be believed from now on
  std::string canonical;                  // where the CNAME chain ended; the name asked for if there is none
  Error::Cause cause = Error::Cause::io;  // failed: timed_out, cancelled, corrupt (bogus, unreadable), limit, io (SERVFAIL and the like)
  std::string reason;                     // failed: a sentence for a person

  bool failed() const { return status == Status::failed; }
  Error error() const { return Error::temporary(cause, reason); }  // of a failed one
};

template <class Record>
struct Answer : Outcome {
  std::vector<Record> records;  // not empty exactly if status is Status::records; in the order of the wire
};

struct Response : Outcome {
  Records records;
};

Response failure(Error::Cause cause, std::string reason);

struct Question {
  std::string name;  // as normal_name() gives it
  Type type = Type::a;

  bool operator==(const Question&) const = default;
  std::string text() const;  // "MX example.org"
};

struct QuestionHash {
  std::size_t operator()(const Question& question) const {
    return std::hash<std::string>{}(question.name) ^ static_cast<std::size_t>(question.type) * 0x9e3779b97f4a7c15u;
  }
};

}  // namespace godwit::dns
