// Package listener is the server's door to the network: who is calling
// ([Proxies.ClientAddress]).
package listener
