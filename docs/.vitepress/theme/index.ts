import DefaultTheme from 'vitepress/theme-without-fonts'
import '../../../packages/server/assets/tokens.css'
import './site.css'

export default DefaultTheme
