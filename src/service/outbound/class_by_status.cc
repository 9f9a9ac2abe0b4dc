#include "service/outbound/reply_class.h"

namespace godwit::outbound {
namespace {

// RFC 3463 3.2
std::string_view of_address(std::uint16_t detail) {
  switch (detail) {
    case 1:
    case 3:
    case 4:
    case 6: return "unknown_user";
    case 2:
    case 10: return "unknown_domain";  // RFC 7505 6: X.1.10
    case 7:
    case 8: return "bad_sender";
    default: return "other";
  }
}

// RFC 3463 3.3
std::string_view of_mailbox(std::uint16_t detail) {
  switch (detail) {
    case 1: return "inactive_mailbox";
    case 2: return "mailbox_full";
    case 3: return "too_big";
    case 4: return "server_trouble";
    default: return "other";
  }
}

// RFC 3463 3.4
std::string_view of_system(std::uint16_t detail) {
  switch (detail) {
    case 3: return "protocol";
    case 4: return "too_big";
    default: return "server_trouble";
  }
}

// RFC 3463 3.5
std::string_view of_network(std::uint16_t detail) {
  switch (detail) {
    case 1:
    case 2: return "unreachable";
    case 3:
    case 4: return "dns";
    case 6: return "loop";
    default: return "server_trouble";
  }
}

// RFC 3463 3.8, and the registry for what came later
std::string_view of_security(std::uint16_t detail) {
  switch (detail) {
    case 4:
    case 5:
    case 10:
    case 30: return "tls";  // RFC 8689 7: X.7.30
    case 13: return "inactive_mailbox";
    case 17: return "unknown_user";  // this and the next: RFC 7293, in the registry
    case 18: return "unknown_domain";
    case 20:
    case 21:
    case 22:
    case 23:
    case 24:
    case 26:
    case 29: return "authentication";  // RFC 7372 3.1, 3.2 and 3.4; RFC 8617 10.4: X.7.29
    case 25: return "dns";             // RFC 7372 3.3
    case 27: return "bad_sender";      // RFC 7505 6
    case 28: return "rate_limited";    // the registry: mail flood detected
    default: return "policy";
  }
}

}  // namespace

std::string_view class_by_status(const smtp::EnhancedCode& status) {
  switch (status.subject) {
    case 1: return of_address(status.detail);
    case 2: return of_mailbox(status.detail);
    case 3: return of_system(status.detail);
    case 4: return of_network(status.detail);
    case 5: return status.detail == 3 ? "too_many_recipients" : "protocol";
    case 6: return "protocol";
    case 7: return of_security(status.detail);
    default: return "other";
  }
}

}  // namespace godwit::outbound
