// MnemoModule
