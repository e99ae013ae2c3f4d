"""Binance USDⓈ-M Futures. Import from the files: `venue` keeps the port, `environments` is data."""
